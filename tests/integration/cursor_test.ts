import { getEventListeners } from "node:events";
import { ConnectionBusyError, QueryTimeoutError, type Sql } from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

poolTest(
  "A query beside an open cursor on one lease is refused instead of waiting for ever",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    let rows = 0;
    for await (const batch of lease`select generate_series(1, 5)`.cursor(2)) {
      rows += batch.length;
      await assertRejects(
        async () => await lease`select 1`,
        ConnectionBusyError,
      );
    }
    assertEquals(rows, 5);
    assertEquals((await lease`select 1 as one`)[0]!.one, 1);
  },
);

poolTest(
  "A query right after the loop of a cursor was left is run",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    for (let round = 0; round < 50; round++) {
      for await (
        const _ of lease`select generate_series(1, 9)`.cursor(2)
      ) break;
      assertEquals((await lease`select ${round}::int as n`)[0]!.n, round);
    }
  },
);

poolTest(
  "A query in the callback of a cursor is refused, and the cursor goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    let rows = 0;
    await lease`select generate_series(1, 5)`.cursor(2, async (batch) => {
      rows += batch.length;
      await assertRejects(
        async () => await lease`select 1`,
        ConnectionBusyError,
      );
    });
    assertEquals(rows, 5);
  },
);

poolTest(
  "A transaction is not committed while a cursor of it is open",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using tx = await world.pool.begin();
    let refusals = 0;
    for await (const _ of tx`select generate_series(1, 4)`.cursor(2)) {
      await using inner = await tx.savepoint().catch((error: unknown) => {
        if (error instanceof ConnectionBusyError) refusals++;
        return undefined;
      });
      assertEquals(inner, undefined);
    }
    assertEquals(refusals, 2);
    await tx.commit();
  },
);

poolTest(
  "On the pool, queries beside an open cursor take another connection",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    let rows = 0;
    for await (const batch of pool`select generate_series(1, 5)`.cursor(2)) {
      rows += batch.length;
      assertEquals((await pool`select 1 as one`)[0]!.one, 1);
    }
    assertEquals(rows, 5);
  },
);

poolTest(
  "A cursor that is given up while its user looks at rows gives its connection back",
  async (t) => {
    await using world = poolWorld(t, { max: 1, releaseTimeoutMs: 60_000 });
    const { pool } = world;
    const pids: unknown[] = [];
    const begin = () => {
      const limit = new AbortController();
      const look = async ([row]: readonly Record<string, unknown>[]) => {
        limit.abort(new Error("Given up"));
        // Nobody else can have it as long as the cursor does.
        const [next] = await pool`select pg_backend_pid() as pid`;
        pids.push(row!["pid"], next!["pid"]);
      };
      const query = pool.with({ signal: limit.signal })`
        select pg_backend_pid() as pid from generate_series(1, 9)`;
      return { query, look };
    };
    const loop = begin();
    await assertRejects(
      async () => {
        for await (const rows of loop.query.cursor(2)) await loop.look(rows);
      },
      Error,
      "Given up",
    );
    const called = begin();
    const cursor = called.query.cursor(2, called.look);
    await assertRejects(async () => await cursor, Error, "Given up");
    await pool`select 1`;
    assertEquals(pids.length, 4);
    assertEquals(new Set(pids).size, 1);
  },
);

poolTest("A cursor over nothing ends", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  const seen: unknown[] = [];
  await pool`-- Nothing`.cursor(2, (rows) => void seen.push(rows));
  for await (const rows of pool``.cursor(2)) seen.push(rows);
  const fragment = pool.unsafe("-- Nothing");
  await pool`${fragment}`.cursor(2, (rows) => void seen.push(rows));
  assertEquals(seen, []);
  assertEquals((await pool`select 1 as one`)[0]!["one"], 1);
});

for (const size of [1, 2, 3, 4, 5, 6, 7]) {
  poolTest(
    `A cursor that ends early does so whatever comes in pieces of ${size} bytes`,
    async (t) => {
      await using proxy = await startProxy(worldServer);
      await using world = poolWorld(t, { max: 1 }, { through: proxy });
      const { pool } = world;
      await pool.ready();
      proxy.trickle(size);
      await pool``.cursor(1, () => {});
      await pool.unsafe("-- No copy");
      const refuse = () => {
        throw new Error("Seen enough");
      };
      await assertRejects(
        async () => await pool`select generate_series(1, 9)`.cursor(2, refuse),
        Error,
        "Seen enough",
      );
      const rows = await Promise.all(
        ["a", "b"].map((text) => pool`select ${text}::text as text`),
      );
      assertEquals(rows.map(([row]) => row!["text"]), ["a", "b"]);
      assertEquals(pool.stats().lost, 0);
    },
  );
}

poolTest("A loop over a query that was cancelled is told so", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  await using lease = await world.pool.acquire();
  for (const sql of [world.pool, lease]) {
    const query = sql`select generate_series(1, 5)`;
    query.cancel();
    const error = await assertRejects(() => Array.fromAsync(query.cursor(2)));
    assertEquals((error as { code?: unknown }).code, "57014");
  }
});

poolTest(
  "A loop that is left while rows are on their way gives its connection back, as a stream that is cancelled",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const rows = (sql: Sql) =>
      sql`select pg_sleep(0.01), n from generate_series(1, 9) n`.cursor(2);
    const reader = ReadableStream.from(rows(pool)).getReader();
    await reader.read();
    const pending = reader.read();
    await reader.cancel();
    await pending;
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    await using lease = await pool.acquire();
    const steps = rows(lease)[Symbol.asyncIterator]();
    await steps.next();
    const next = steps.next();
    await steps.return!();
    assertEquals((await lease`select 2 as two`)[0]?.two, 2);
    assertEquals((await next).done, true);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "A cursor's query ends after its callback has, and with what that throws for the last rows",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await world.admin`create table delivered (n int)`;
    const deliver = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      throw new Error("Could not deliver");
    };
    await assertRejects(
      () =>
        pool.begin(async (tx) => {
          await tx`insert into delivered values (1)`;
          await tx`select generate_series(1, 3)`.cursor(100, deliver);
        }),
      Error,
      "Could not deliver",
    );
    const [row] = await pool`select count(*)::int from delivered`;
    assertEquals([row?.count, pool.stats().opened], [0, 1]);
    await world.admin`drop table delivered`;
  },
);

for (const size of [1, 5]) {
  poolTest(
    `A cursor whose callback never ends is given up in time, or by its caller, at ${
      size === 1 ? "rows before the last" : "its last rows"
    }`,
    async (t) => {
      await using world = poolWorld(t, { max: 2 });
      const { pool } = world;
      await using lease = await pool.acquire();
      for (const sql of [lease, pool]) {
        const never = () => new Promise(() => {});
        const timed = sql.with({ timeoutMs: 20 });
        await assertRejects(
          async () =>
            await timed`select generate_series(1, 3)`.cursor(size, never),
          QueryTimeoutError,
        );
        const { promise: seen, resolve } = Promise.withResolvers<void>();
        const look = () => (resolve(), never());
        const query = sql`select generate_series(1, 3)`;
        const given = assertRejects(async () => await query.cursor(size, look));
        await seen;
        await nextTurn();
        query.cancel();
        const { code } = await given as Error & { code?: string };
        assertEquals(code, "57014");
        assertEquals((await sql`select 1 as one`)[0]?.one, 1);
      }
      assertEquals(pool.stats().opened, 2);
    },
  );
}

poolTest(
  "A loop over a cursor leaves nothing on its signal, whether it runs to its end or is left",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await using lease = await pool.acquire();
    const { signal } = new AbortController();
    for (const sql of [pool, lease]) {
      for (const isLeft of [false, true]) {
        const rows = sql.with({ signal })`select generate_series(1, 5)`;
        for await (const _ of rows.cursor(2)) if (isLeft) break;
        await sql`select 1`; // its server has ended it by then
      }
    }
    assertEquals(getEventListeners(signal, "abort").length, 0);
  },
);
