import postgres from "postgres";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "./assert.ts";
import { CertificateAuthority } from "./certificates.ts";
import { embeddedPostgres } from "./embedded_postgres.ts";
import { sharedPostgres, startPostgres } from "./postgres_server.ts";

const shared = await sharedPostgres();

async function ask(
  url: string,
  question: string,
  ssl: object | false = false,
): Promise<unknown> {
  const sql = postgres(url, {
    max: 1,
    max_lifetime: 0,
    ssl,
    onnotice: () => {},
  });
  try {
    const [row] = await sql.unsafe(question).values();
    return row?.[0];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("sharedPostgres() answers a PostgreSQL that lets us in as superuser", async () => {
  const version = await ask(shared.url, "select version()");
  assertStringIncludes(String(version), "PostgreSQL");
  assertEquals(await ask(shared.url, "show is_superuser"), "on");
});

Deno.test("sharedPostgres() is one server however often it is asked for", async () => {
  assertEquals((await sharedPostgres()).url, shared.url);
});

Deno.test("urlFor() changes what it is told and keeps the rest", async () => {
  const url = shared.urlFor({ applicationName: "tide & pool/=?" });
  const name = await ask(url, "show application_name");
  assertEquals(name, "tide & pool/=?");
  assertStringIncludes(
    shared.urlFor({ database: "d", username: "u@x", password: "p:/w" }),
    `u%40x:p%3A%2Fw@${shared.host}:${shared.port}/d`,
  );
});

Deno.test("stop() and start() keep port and data, and disposal leaves nothing", async (t) => {
  const server = await startPostgres({ settings: { max_connections: "7" } });
  const { url, dataDir = "" } = server;

  await t.step("settings are applied", async () => {
    assertEquals(await ask(url, "show max_connections"), "7");
    await ask(url, "create table kept as select 42 as answer");
  });

  for (const mode of ["fast", "smart"] as const) {
    await t.step(`a "${mode}" stop ends it`, async () => {
      const before = server.pid;
      await server.stop(mode);
      assertEquals(await exists(`${dataDir}/postmaster.pid`), false);
      await server.start();
      assert(server.pid !== before);
      assertEquals(server.url, url);
      assertEquals(await ask(url, "select answer from kept"), 42);
    });
  }

  await t.step("disposal removes its folder", async () => {
    assert(await exists(dataDir));
    await server[Symbol.asyncDispose]();
    assertEquals(await exists(dataDir), false);
    assertEquals(await exists(`${dataDir}/..`), false);
  });
});

Deno.test("hba lines decide who is let in", async () => {
  await using server = await startPostgres({
    hba: [
      "host all postgres 127.0.0.1/32 trust",
      "host all all 127.0.0.1/32 reject",
    ],
  });
  assertEquals(await ask(server.url, "select 1"), 1);
  const error = await assertRejects(
    () => ask(server.urlFor({ username: "stranger" }), "select 1"),
  );
  assertStringIncludes(error.message, "pg_hba.conf");
});

Deno.test("tls makes the server speak TLS with the given certificate", async () => {
  const authority = await CertificateAuthority.create();
  const stranger = await CertificateAuthority.create("Stranger");
  await using server = await startPostgres({ tls: await authority.issue() });
  const isEncrypted =
    "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
  const trusting = { ca: authority.certPem, rejectUnauthorized: true };
  assertEquals(await ask(server.url, isEncrypted, trusting), true);
  const doubting = { ca: stranger.certPem, rejectUnauthorized: true };
  await assertRejects(() => ask(server.url, isEncrypted, doubting));
});

Deno.test("a setting that the server refuses is told with the server's own words", async () => {
  const error = await assertRejects(
    () => startPostgres({ settings: { max_connections: "many" } }),
    Error,
    "Cannot start PostgreSQL",
  );
  assertStringIncludes(String(error.cause), "max_connections");
});

Deno.test("a platform without a server is told the way out", async () => {
  await assertRejects(
    () => embeddedPostgres("solaris", "sparc"),
    Error,
    "TIDEPOOL_TEST_URL or DATABASE_URL",
  );
});
