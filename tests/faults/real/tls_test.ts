import { join } from "node:path";
import { AcquireTimeoutError, ConnectError } from "../../../mod.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../../support/assert.ts";
import {
  CertificateAuthority,
  type Identity,
} from "../../support/certificates.ts";
import { serverUser } from "../../support/embedded_postgres.ts";
import { eventually } from "../../support/eventually.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
  worldServer,
} from "../../support/pool_world.ts";
import { startPostgres } from "../../support/postgres_server.ts";
import { startProxy } from "../../support/proxy.ts";
import { faultWhere } from "./fault_case.ts";

const authority = await CertificateAuthority.create("Ours");
const stranger = await CertificateAuthority.create("A stranger's");
const good = await authority.issue();
const server = await startPostgres({ tls: good });
const ca = authority.certPem;

/** Certificates that will not do. */
const BAD: Record<string, Identity> = {
  "signed by a stranger": await stranger.issue(),
  "that has expired": await authority.issue({
    expires: new Date(Date.now() - 60_000),
  }),
  "of another host": await authority.issue({ hosts: ["db.example.org"] }),
};

for (const [name, identity] of Object.entries(BAD)) {
  poolTest(
    `a certificate ${name} fails who waits at once, and the right one later serves`,
    async (t) => {
      const ssl = { ca, rejectUnauthorized: true };
      await using world = poolWorld(t, { max: 2, ssl }, { server });
      const { pool } = world;
      await install(world, identity);
      const errors = await Promise.all(
        [1, 2, 3].map(() => assertRejects(() => pool.acquire(), ConnectError)),
      );
      assertEquals(errors.map(({ kind }) => kind), ["tls", "tls", "tls"]);
      await install(world, good);
      await eventually(
        "it serves",
        () => pool`select 1`.then(() => true, () => false),
      );
      const [row] = await pool`
        select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
      assertEquals(row!["ssl"], true);
    },
  );
}

faultWhere(
  worldServer.dataDir === undefined
    ? "the server is not one of ours"
    : undefined,
  "a server without TLS is told as such to who requires it, before anything is said in the open",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { ssl: "require" }, { through: proxy });
    let isTold = false;
    void proxy.requested("user").then(() => isTold = true);
    const error = await assertRejects(
      () => world.pool.acquire(),
      ConnectError,
    );
    assertEquals(error.kind, "tls");
    assertEquals(isTold, false, "it went on without TLS");
  },
);

poolTest(
  "a TLS handshake that stalls costs a dial its deadline",
  async (t) => {
    await using proxy = await startProxy(server);
    await using world = poolWorld(t, {
      ssl: "require",
      connectTimeoutMs: 150,
      acquireTimeoutMs: 400,
    }, { server, through: proxy });
    const { pool } = world;
    proxy.hold("replies");
    const error = await assertRejects(
      () => pool.acquire(),
      AcquireTimeoutError,
    );
    assertInstanceOf(error.cause, ConnectError);
    assertEquals(error.cause.kind, "timeout");
    proxy.release();
    await using lease = await pool.acquire({ timeoutMs: 10_000 });
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);

/** Gives the server another certificate, and waits until it shows it. */
async function install(
  { admin }: PoolWorld,
  { certPem, keyPem }: Identity,
): Promise<void> {
  const { uid, gid } = serverUser();
  for (const [name, text] of [["crt", certPem], ["key", keyPem]] as const) {
    const path = join(server.dataDir!, `server.${name}`);
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, 0o600);
    if (uid !== undefined) await Deno.chown(path, uid, gid ?? null);
  }
  const [before] = await admin`select pg_conf_load_time()::text as at`;
  await admin`select pg_reload_conf()`;
  await eventually("it is loaded", async () => {
    const [now] = await admin`select pg_conf_load_time()::text as at`;
    return now!["at"] !== before!["at"];
  });
}
