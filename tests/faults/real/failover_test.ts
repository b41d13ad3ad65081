import { type Pool, QueryTimeoutError } from "../../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import { poolWorld } from "../../support/pool_world.ts";
import { startPostgres } from "../../support/postgres_server.ts";
import { startProxy } from "../../support/proxy.ts";
import { waitForNoSessions } from "../../support/server_view.ts";
import postgres from "postgres";
import { faultWhere, slowFaultWhere } from "./fault_case.ts";
import { startStandby } from "./standby.ts";

const missing = Deno.build.os === "windows"
  ? "there is no cp to copy a server's files with"
  : undefined;

// Started here: it is not to count as time that a test takes.
const primary = await startPostgres();
const standby = missing === undefined ? await startStandby(primary) : primary;

faultWhere(
  missing,
  "a standby that is promoted while the old primary is a black hole gets the writes, and nothing committed is lost",
  async (t) => {
    await using proxy = await startProxy(primary);
    await using world = poolWorld(t, {
      host: `127.0.0.1:${proxy.port},127.0.0.1:${standby.port}`,
      target_session_attrs: "read-write",
      max: 3,
      connectTimeoutMs: 300,
      queryTimeoutMs: 300,
      releaseTimeoutMs: 200,
    }, { server: primary });
    const { pool } = world;
    await pool`create table book (id int)`;
    await pool`insert into book values (1)`;
    assertEquals(await portOf(pool), primary.port);
    await using view = new View(standby.url);
    await eventually("it is replicated", () => view.has(1));
    await using held = await pool.acquire();

    proxy.blackHole();
    await view.promote();
    await assertRejects(
      async () => await held`insert into book values (2)`,
      QueryTimeoutError,
    );
    await eventually(
      "a write arrives",
      () => pool`insert into book values (3)`.then(() => true, () => false),
      10_000,
    );
    assertEquals(await portOf(pool), standby.port);
    assertEquals(await view.has(1), true);
    assertEquals(await view.has(3), true);
    await eventually("the old session is given up", () => held.signal.aborted);

    // The old primary is back, and takes writes: the pool stays where it is.
    proxy.cut();
    proxy.release();
    await Promise.all([1, 2, 3].map(() => pool`insert into book values (4)`));
    assertEquals(await view.has(4), true);
    await held.release();
    await pool.close();
    await waitForNoSessions(standby.url, world.applicationName);
  },
);

slowFaultWhere(
  missing,
  "prefer-standby reads from a standby, hands on its 25006, and goes to the primary when it is down",
  async (t) => {
    await using primary = await startPostgres();
    await using standby = await startStandby(primary);
    await using world = poolWorld(t, {
      host: `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`,
      target_session_attrs: "prefer-standby",
      max: 2,
    }, { server: primary });
    const { pool } = world;
    assertEquals(await portOf(pool), standby.port);
    const error = await assertRejects(
      async () => await pool`create table never (a int)`,
    );
    assertEquals((error as Error & { code?: unknown }).code, "25006");
    assertEquals(pool.stats().opened, 1);
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().opened, 1, "it is what was asked for");
    await standby.stop("fast");
    await eventually("all are lost", () => pool.stats().total === 0);
    assertEquals(await portOf(pool), primary.port);
  },
);

slowFaultWhere(
  missing,
  "a primary that turns read-only: 25006 is its caller's, and the pool goes to one that writes",
  async (t) => {
    await using first = await startPostgres();
    await using second = await startPostgres();
    await using world = poolWorld(t, {
      host: `127.0.0.1:${first.port},${second.host}:${second.port}`,
      target_session_attrs: "read-write",
      max: 2,
    }, { server: first });
    const { pool, admin } = world;
    await pool`select 1`;
    await admin`alter system set default_transaction_read_only = on`;
    await admin`select pg_reload_conf()`;
    await eventually("it is read-only", async () => {
      const [row] = await admin`show default_transaction_read_only`;
      return row!["default_transaction_read_only"] === "on";
    });
    let code: unknown;
    await eventually(
      "the session knows",
      () =>
        pool`create table here (a int); drop table here`.simple().then(
          () => false,
          (error) => (code = error.code) !== undefined,
        ),
    );
    assertEquals(code, "25006");
    assertEquals(await portOf(pool), second.port);
    await pool`create table here (a int)`;
    assert(pool.stats().lost === 0);
    await pool.close();
    await waitForNoSessions(second.url, world.applicationName);
  },
);

/** Which server answers. */
async function portOf(pool: Pool): Promise<number> {
  const [row] = await pool`select inet_server_port() as port`;
  return Number(row!["port"]);
}

/** A look at a server past the pool. */
class View implements AsyncDisposable {
  readonly #sql: postgres.Sql;

  constructor(url: string) {
    this.#sql = postgres(url, { max: 1, fetch_types: false });
  }

  async has(id: number): Promise<boolean> {
    const rows = await this.#sql`select from book where id = ${id}`
      .catch((error) => {
        assertInstanceOf(error, Error);
        return [];
      });
    return rows.length > 0;
  }

  async promote(): Promise<void> {
    const [row] = await this.#sql`select pg_promote() as done`;
    assertEquals(row!["done"], true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }
}
