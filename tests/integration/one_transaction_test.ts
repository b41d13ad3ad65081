import { ConnectionBusyError, TransactionFinishedError } from "../../mod.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

poolTest(
  "A lease has one transaction at a time: a second begin is refused and the first goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    {
      await using tx = await lease.begin();
      await assertRejects(() => lease.begin(), ConnectionBusyError);
      await assertRejects(
        () => lease.transaction(() => 1),
        ConnectionBusyError,
      );
      await tx.commit();
    }
    await using next = await lease.begin();
    assertEquals((await next`select 1 as one`)[0]!.one, 1);
  },
);

poolTest(
  "A lease has one transaction at a time, begun on whichever of its handles",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    await using handle = await lease.reserve();
    const [first, second] = await Promise.allSettled([
      lease.begin(),
      handle.begin(),
    ]);
    if (first.status !== "fulfilled") throw first.reason;
    if (second.status !== "rejected") throw new Error("both have begun");
    assertInstanceOf(second.reason, ConnectionBusyError);
    await first.value.commit();
    await handle.begin((tx) => tx`select 1`);
  },
);

poolTest(
  "A transaction that a hook has left behind keeps no lease from having one",
  async (t) => {
    await using world = poolWorld(t, {
      max: 1,
      async onConnect(connection) {
        await connection.begin();
        await connection`rollback`;
      },
    });
    await using lease = await world.pool.acquire();
    await lease.begin((tx) => tx`select 1`);
  },
);

poolTest(
  "A transaction is refused on a lease whose own BEGIN is open",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    await lease`begin`;
    await assertRejects(() => lease.begin(), ConnectionBusyError);
    await lease`rollback`;
    await using tx = await lease.begin();
    await tx.commit();
  },
);

poolTest(
  "A savepoint does nothing once the transaction around it has ended",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    await lease`create temp table kept (n int)`;
    const tx = await lease.begin();
    const savepoint = await tx.savepoint();
    await tx.rollback();
    await assertRejects(
      async () => await savepoint`insert into kept values (1)`,
      TransactionFinishedError,
    );
    await savepoint[Symbol.asyncDispose]();
    assertEquals((await lease`select * from kept`).length, 0);
  },
);

poolTest(
  "A savepoint whose statement failed is undone, and the transaction goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    await lease`create temp table kept (n int)`;
    await lease.begin(async (tx) => {
      await tx`insert into kept values (1)`;
      const error = await tx.savepoint(async (savepoint) => {
        await savepoint`select 1 / 0`.catch(() => {});
      }).catch((error: unknown) => error);
      assertEquals(codeOf(error), "22012");
      await tx`insert into kept values (2)`;
    });
    assertEquals((await lease`select * from kept`).length, 2);
  },
);

poolTest(
  "begin(fn) rejects with the statement's error, awaited or not, and handles it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    for (const isAwaited of [true, false]) {
      const error = await world.pool.begin(async (tx) => {
        const failing = tx`select 1 / 0`.execute();
        if (isAwaited) await failing.catch(() => {});
        else await tx`select 1`.catch(() => {});
      }).catch((error: unknown) => error);
      assertEquals(codeOf(error), "22012");
    }
  },
);

poolTest(
  "A transaction is committed after the loop of a cursor was left",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool.use(async (lease) => {
      await lease`create temp table kept (n int)`;
      for (let round = 0; round < 20; round++) {
        await lease.begin(async (tx) => {
          await tx`insert into kept values (${round})`;
          for await (
            const _ of tx`select generate_series(1, 9)`.cursor(2)
          ) break;
        });
      }
      assertEquals((await lease`select * from kept`).length, 20);
    });
  },
);

poolTest(
  "A commit that is refused amid a cursor leaves the transaction open",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    await using tx = await lease.begin();
    for await (const _ of tx`select generate_series(1, 4)`.cursor(2)) {
      await assertRejects(() => tx.commit(), ConnectionBusyError);
      assertEquals(tx.outcome, undefined);
    }
    await tx.commit();
    assertEquals(tx.outcome, "committed");
  },
);

poolTest(
  "A lease released right after the loop of a cursor was left keeps its connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (let round = 0; round < 20; round++) {
      await using lease = await pool.acquire();
      for await (const _ of lease`select generate_series(1, 9)`.cursor(2)) {
        break;
      }
    }
    await eventually("it is back", () => pool.stats().idle === 1);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "A query that was given up is cancelled although another stands behind it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const slow = pool.with({ timeoutMs: 200 })`select pg_sleep(60)`.execute();
    const behind = pool`select 2 as two`.execute();
    const error = await assertRejects(async () => await slow);
    assertInstanceOf(error, Error);
    assertEquals(codeOf(error), "QUERY_TIMEOUT");
    assertEquals((await behind)[0]!.two, 2);
    assertEquals(pool.stats().lost, 0);
  },
);

poolTest(
  "A hook that destroys its connection is taken at its word",
  async (t) => {
    let calls = 0;
    await using world = poolWorld(t, {
      max: 1,
      onAcquire(connection) {
        if (calls++ === 0) connection.destroy();
      },
    });
    await using lease = await world.pool.acquire();
    assertEquals((await lease`select 1 as one`)[0]!.one, 1);
    assertEquals([calls, world.pool.stats().opened], [2, 2]);
  },
);

poolTest("savepoint takes a query as the driver's does", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  await using tx = await world.pool.begin();
  const savepoint = tx.savepoint as unknown as (
    strings: TemplateStringsArray,
    ...values: unknown[]
  ) => Promise<{ n: number }[]>;
  assertEquals(
    (await savepoint.call(tx, ...tagged`select ${3}::int as n`))[0]!.n,
    3,
  );
});

function tagged(
  strings: TemplateStringsArray,
  ...values: unknown[]
): [TemplateStringsArray, ...unknown[]] {
  return [strings, ...values];
}
