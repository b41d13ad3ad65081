import type { PooledConnection, Sql } from "../../mod.ts";
import { ConnectionLostError } from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

/** Statements that fail, by their SQLSTATE. */
const FAILURES: Record<string, string> = {
  "22012": "select 1/0",
  "42P01": "select * from there_is_no_such_table",
  "42601": "selec 1",
  "42703": "select no_such_column",
  "22P02": "select 'x'::int",
  "23514": "do $$ begin raise check_violation; end $$",
  "40001": "do $$ begin raise serialization_failure; end $$",
  "40P01": "do $$ begin raise deadlock_detected; end $$",
  "57014": "do $$ begin raise query_canceled; end $$",
  "53100": "do $$ begin raise disk_full; end $$",
  "P0001": "do $$ begin raise exception 'mine'; end $$",
  "26000": "deallocate there_is_no_such_statement",
  "34000": "close there_is_no_such_cursor",
};

async function pidOf(sql: Sql): Promise<number> {
  const [row] = await sql`select pg_backend_pid() as pid`;
  return Number(row?.pid);
}

poolTest(
  "Promise 13: SQL errors keep the connection: on a lease, a one-shot, in several statements",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const pid = await pidOf(pool);
    for (const [code, sql] of Object.entries(FAILURES)) {
      const shapes: (() => PromiseLike<unknown>)[] = [
        () => pool.unsafe(sql),
        () => pool.unsafe(sql, [], { prepare: true, simple: false } as never),
        () => pool.unsafe(`select 1; ${sql}; select 2`),
        () => pool.use((connection) => connection.unsafe(sql)),
        () => pool.transaction((tx) => tx.unsafe(sql)),
        () => pool.begin((tx) => tx.savepoint((inner) => inner.unsafe(sql))),
      ];
      for (const shape of shapes) {
        const error = await assertRejects(
          async () => await shape(),
          pool.PostgresError,
        );
        assertEquals((error as Error & { code: string }).code, code);
        assertEquals(await pidOf(pool), pid, `${code}: ${shape}`);
      }
    }
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 13: errors in a row on one lease keep its session and its state",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using lease = await pool.acquire();
    await lease`set work_mem = '77MB'`;
    const results = await Promise.allSettled(
      Object.values(FAILURES).map((sql) => lease.unsafe(sql).execute()),
    );
    assertEquals(
      results.map((result) =>
        result.status === "rejected" && result.reason.code
      ),
      Object.keys(FAILURES),
    );
    assertEquals((await lease`show work_mem`)[0]?.work_mem, "77MB");
    assertEquals(lease.signal.aborted, false);
  },
);

poolTest(
  "Promise 13: an error of the driver's own, before anything is sent, keeps the connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const pid = await pidOf(pool);
    await assertRejects(async () => await pool`select ${undefined as never}`);
    await assertRejects(async () =>
      await pool`select ${
        // Nothing that it knows how to send.
        new Proxy({}, {
          get() {
            throw new Error("Not this one");
          },
        }) as never}`
    );
    assertEquals(await pidOf(pool), pid);
    await pool.use(async (connection) => {
      await assertRejects(async () =>
        await connection`select ${undefined as never}`
      );
      assertEquals(await pidOf(connection), pid);
    });
  },
);

for (const code of ["XX000", "XX001", "XX002"]) {
  poolTest(
    `Promise 13: an internal error of the server, ${code}, destroys the connection when it comes back`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const { pool } = world;
      const raise =
        `do $$ begin raise exception 'broken' using errcode = '${code}'; end $$`;
      const uses: ((fail: (sql: Sql) => Promise<void>) => Promise<unknown>)[] =
        [
          (fail) => fail(pool),
          (fail) => pool.use(fail),
          (fail) => pool.begin((tx) => fail(tx)).catch(() => {}),
        ];
      for (const use of uses) {
        const before = await pidOf(pool);
        await use(async (sql) => {
          const error = await assertRejects(
            async () => await sql.unsafe(raise),
            pool.PostgresError,
          );
          assertEquals((error as Error & { code: string }).code, code);
        });
        const after = await pidOf(pool);
        assert(after !== before, `${use} kept it`);
        await eventually(
          "its backend is gone",
          async () => !(await world.pids()).includes(before),
        );
      }
    },
  );
}

poolTest(
  "Promise 13: an internal error among one-shots lets the others beside it finish",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const before = await pidOf(pool);
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, (_, n) =>
        n === 5
          ? pool.unsafe(
            "do $$ begin raise exception 'broken' using errcode = 'XX000'; end $$",
            [],
            { prepare: false, simple: false } as never,
          ).execute()
          : pool`select ${n}::int as n`.execute()),
    );
    for (const [index, result] of results.entries()) {
      if (index === 5) assertEquals(result.status, "rejected");
      else {
        assert(result.status === "fulfilled", `${index} failed`);
        assertEquals(result.value[0]?.n, index);
      }
    }
    assert(await pidOf(pool) !== before);
  },
);

poolTest(
  "Promise 13: a FATAL of the server is a loss with its SQLSTATE",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using lease = await pool.acquire();
    const error = await assertRejects(
      async () => await lease`select pg_terminate_backend(pg_backend_pid())`,
      ConnectionLostError,
    );
    assertEquals(error.sqlState, "57P01");
    assertEquals(pool.stats().lost, 1);
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 13: an idle_in_transaction timeout is a loss with its SQLSTATE",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease: PooledConnection = await pool.acquire();
    await lease`set idle_in_transaction_session_timeout = '20ms'`;
    await lease`begin`;
    const { signal } = lease;
    await eventually("the server ended it", () => signal.aborted);
    assertInstanceOf(signal.reason, ConnectionLostError);
    assertEquals(signal.reason.sqlState, "25P03");
    await lease.release();
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 13: bytes that are no protocol on an idle connection cost that connection alone",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    await pool`select 1`;
    proxy.inject(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    await eventually("it is lost", () => pool.stats().lost === 1);
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 13: answers that arrive a byte at a time are answers",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 2 }, { through: proxy });
    const { pool } = world;
    await pool`select 1`;
    proxy.trickle(1);
    await using tx = await pool.begin();
    assertEquals((await tx`select 'äöü' as text`)[0]?.text, "äöü");
    await assertRejects(async () => await tx`select 1/0`, pool.PostgresError);
    await tx.rollback();
    proxy.trickle(Infinity);
    assertEquals(pool.stats().lost, 0);
  },
);

poolTest(
  "What is thrown while rows are read keeps its frames though an error follows them",
  async (t) => {
    let thrown: unknown;
    await using world = poolWorld(t, {
      max: 1,
      transform: {
        row: (row: unknown) => {
          thrown = new Error("Read");
          return row;
        },
      },
    });
    const query = world.pool`select 1 / (3 - n) from generate_series(1, 3) n`;
    const error = await assertRejects(async () => await query);
    const place = "sql_errors_test.ts";
    assertStringIncludes((thrown as Error).stack!, place);
    assertStringIncludes(new Error("After").stack!, place);
    assertEquals((error as Error).stack!.split("\n").length, 2);
  },
);
