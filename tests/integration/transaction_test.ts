import type { Sql, Transaction } from "../../mod.ts";
import { PostgresError, TransactionFinishedError } from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { makeTable } from "../support/number_table.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

poolTest(
  "Promise 9: a transaction that is left without a commit is rolled back",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using table = await makeTable(world);
    {
      await using tx = await pool.begin();
      await tx`insert into ${tx(table.name)} values (1)`;
    }
    assertEquals(await table.rows(), []);
    {
      await using lease = await pool.acquire();
      {
        await using tx = await lease.begin();
        await tx`insert into ${tx(table.name)} values (2)`;
      }
      assertEquals(lease.transactionStatus, "idle");
      await using tx = await lease.begin();
      await tx`insert into ${tx(table.name)} values (3)`;
      await tx.commit();
    }
    assertEquals(await table.rows(), [3]);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 13: a commit of a failed transaction says that it was rolled back",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using table = await makeTable(world);
    const tx = await pool.begin();
    await tx`insert into ${tx(table.name)} values (1)`;
    await tx`select 1/0`.catch(() => {});
    const error = await assertRejects(
      () => tx.commit(),
      TransactionFinishedError,
      "Cannot commit: the transaction was rolled back; first failure: division by zero",
    );
    assertEquals(error.outcome, "rolled back");
    assertEquals((error.cause as { code?: unknown }).code, "22012");
    assertEquals(tx.outcome, "rolled back");
    // A callback that swallows the error does not hide it from the caller.
    await assertRejects(
      () =>
        pool.transaction(async (tx) => {
          await tx`insert into ${tx(table.name)} values (2)`;
          await tx`select 1/0`.catch(() => {});
        }),
      PostgresError,
      "division by zero",
    );
    await assertRejects(
      () =>
        pool.begin(async (tx) => {
          await tx`select 1/0`.catch(() => {});
        }),
      PostgresError,
      "division by zero",
    );
    assertEquals(await table.rows(), []);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 13: a commit that the server refuses is its error, and rolled back",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool, admin } = world;
    await using table = await makeTable(world);
    await admin.unsafe(
      `alter table ${table.name} add unique (a) deferrable initially deferred`,
    );
    const tx = await pool.begin();
    await tx`insert into ${tx(table.name)} values (1), (1)`;
    const error = await assertRejects(() => tx.commit(), pool.PostgresError);
    assertEquals((error as Error & { code: string }).code, "23505");
    assertEquals(tx.outcome, "rolled back");
    assertEquals(await table.rows(), []);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 9: savepoints keep what is committed in them, and undo the rest",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using table = await makeTable(world);
    async function insert(tx: Transaction, value: number): Promise<void> {
      await tx`insert into ${tx(table.name)} values (${value})`;
    }
    await using tx = await pool.begin();
    await insert(tx, 1);
    {
      await using kept = await tx.savepoint();
      await insert(kept, 2);
      {
        await using left = await kept.savepoint();
        await insert(left, 3);
      }
      {
        await using failed = await kept.savepoint();
        await insert(failed, 4);
        await failed`select 1/0`.catch(() => {});
      }
      await kept.commit();
    }
    const undone = await tx.savepoint();
    await insert(undone, 5);
    await undone.rollback();
    await tx.savepoint((inner) => insert(inner, 6));
    await tx.savepoint("named", (inner) => insert(inner, 7));
    await tx.begin((inner) => insert(inner, 8));
    await tx.transaction((inner) => insert(inner, 9));
    const own = new Error("Its own");
    assertStrictEquals(
      await tx.savepoint(async (inner) => {
        await insert(inner, 10);
        throw own;
      }).catch((error) => error),
      own,
    );
    await tx.commit();
    assertEquals(await table.rows(), [1, 2, 6, 7, 8, 9]);
  },
);

poolTest(
  "Promise 9: a savepoint that is rolled back takes those in it with it, open as they are",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using table = await makeTable(world);
    async function insert(tx: Transaction, value: number): Promise<void> {
      await tx`insert into ${tx(table.name)} values (${value})`;
    }
    await pool.begin(async (tx) => {
      await insert(tx, 1);
      const undone = await tx.savepoint();
      await insert(undone, 2);
      const child = await undone.savepoint();
      await insert(child, 3);
      await insert(await child.begin(), 4);
      await undone.rollback();
      await assertRejects(() => insert(child, 5), TransactionFinishedError);
      await insert(tx, 6);
      const thrown = await tx.savepoint(async (failed) => {
        await insert(failed, 7);
        await insert(await failed.savepoint(), 8);
        throw "it failed";
      }).catch((error) => error);
      assertEquals(thrown, "it failed");
    });
    assertEquals(await table.rows(), [1, 6]);
  },
);

poolTest(
  "Promise 9: prepare() in a savepoint is about the end of the transaction, as in the driver",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const tx = await pool.begin();
    const savepoint = await tx.savepoint();
    await savepoint.prepare("by_this_name");
    await savepoint.commit();
    assertEquals(savepoint.outcome, "committed");
    // The server has such transactions disabled: so it was asked.
    const refused = await assertRejects(() => tx.commit(), PostgresError);
    assertEquals(refused.code, "55000");
    await assertRejects(() => tx.prepare("late"), TransactionFinishedError);
  },
);

for (const form of ["awaited and caught", "not awaited"]) {
  poolTest(
    `a callback's transaction tells of the statement that failed, ${form}, and not of those behind it`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const { pool } = world;
      async function fail(tx: Transaction): Promise<void> {
        const failing = tx`select 1/0`.execute();
        if (form !== "not awaited") await failing.catch(() => {});
        await tx`select 1`;
      }
      const calls = [
        () => pool.begin(fail),
        () => pool.transaction(fail),
        () => pool.begin((tx) => tx.savepoint(fail)),
        () => pool.use((lease) => lease.begin(fail)),
      ];
      for (const call of calls) {
        const error = await assertRejects(call, PostgresError);
        assertEquals(error.code, "22012");
      }
    },
  );
}

poolTest(
  "Promise 9: transaction() runs again for 40001, though its callback went on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    let runs = 0;
    const error = await assertRejects(
      () =>
        world.pool.transaction(async (tx) => {
          runs++;
          await tx`do $$ begin raise exception sqlstate '40001'; end $$`
            .catch(() => {});
          await tx`select 1`;
        }, { retries: 2 }),
      PostgresError,
    );
    assertEquals([runs, error.code], [3, "40001"]);
  },
);

poolTest(
  "Promise 9: a savepoint that has ended is told so, not the one around it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using tx = await world.pool.begin();
    const savepoint = await tx.savepoint();
    await savepoint.rollback();
    await assertRejects(() => savepoint.commit(), TransactionFinishedError);
    await assertRejects(
      async () => await savepoint`select 1`,
      TransactionFinishedError,
    );
    assertEquals((await tx`select 1 as one`)[0]?.one, 1);
    await tx.commit();
  },
);

poolTest(
  "Promise 9: the options of begin() are those of the transaction",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using tx = await pool.begin({
      isolation: "serializable",
      readOnly: true,
      deferrable: true,
    });
    for (
      const [setting, value] of [
        ["transaction_isolation", "serializable"],
        ["transaction_read_only", "on"],
        ["transaction_deferrable", "on"],
      ] as const
    ) {
      const [row] = await tx`select current_setting(${setting}) as value`;
      assertEquals(row?.value, value, setting);
    }
  },
);

/** Lets two transactions do each step together. */
function makeBarrier(count: number): () => Promise<void> {
  let waiting = 0;
  let { promise, resolve } = Promise.withResolvers<void>();
  return () => {
    const { promise: passed } = { promise };
    if (++waiting === count) {
      waiting = 0;
      resolve();
      ({ promise, resolve } = Promise.withResolvers<void>());
    }
    return passed;
  };
}

poolTest(
  "Promise 13: transaction() runs again after a real 40001, and both are committed",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await using table = await makeTable(world, 0);
    const meet = makeBarrier(2);
    let runs = 0;
    async function add(): Promise<void> {
      let isFirst = true;
      await pool.transaction(async (tx) => {
        runs++;
        const [row] = await tx`select a from ${tx(table.name)}`;
        if (isFirst) {
          isFirst = false;
          await meet();
        }
        await tx`update ${tx(table.name)} set a = ${row?.a + 1}`;
      }, { isolation: "serializable", retries: 3 });
    }
    await Promise.all([add(), add()]);
    assertEquals(await table.rows(), [2]);
    assertEquals(runs, 3);
  },
);

poolTest(
  "Promise 13: transaction() runs again after a real deadlock, 40P01",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await using table = await makeTable(world, 1, 2);
    const meet = makeBarrier(2);
    let runs = 0;
    async function touch(first: number, second: number): Promise<void> {
      let isFirst = true;
      await pool.transaction(async (tx) => {
        runs++;
        await tx`set local deadlock_timeout = '10ms'`;
        await tx`update ${tx(table.name)} set a = a where a = ${first}`;
        if (isFirst) {
          isFirst = false;
          await meet();
        }
        await tx`update ${tx(table.name)} set a = a where a = ${second}`;
      }, { retries: 3 });
    }
    await Promise.all([touch(1, 2), touch(2, 1)]);
    assertEquals(await table.rows(), [1, 2]);
    assertEquals(runs, 3);
  },
);

poolTest(
  "Promise 13: transaction() gives up after its retries, and hands on the server's error",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (const [retries, expected] of [[0, 1], [2, 3]] as const) {
      let runs = 0;
      const error = await assertRejects(() =>
        pool.transaction(async (tx) => {
          runs++;
          await tx`do $$ begin raise serialization_failure; end $$`;
        }, { retries }), pool.PostgresError);
      assertEquals((error as Error & { code: string }).code, "40001");
      assertEquals(runs, expected);
    }
    let runs = 0;
    await assertRejects(() =>
      pool.transaction(async (tx) => {
        runs++;
        await tx`select 1/0`;
      }, { retries: 3 }), pool.PostgresError);
    assertEquals(runs, 1, "it ran again for another error");
  },
);

poolTest(
  "What was executed in a transaction before its commit is committed with it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using tx = await world.pool.begin();
    const query = tx`insert into ${tx(table.name)} values (1)`.execute();
    const commit = tx.commit();
    await assertRejects(() => tx.commit(), TransactionFinishedError);
    await Promise.all([query, commit]);
    assertEquals([await table.rows(), tx.outcome], [[1], "committed"]);
  },
);

for (const isAwaited of [true, false]) {
  poolTest(
    `begin(fn) rejects with the error of a statement that was never sent, ${
      isAwaited ? "awaited and caught" : "not awaited"
    }, as the driver's`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      await using table = await makeTable(world);
      const { pool, admin } = world;
      for (const sql of [pool, admin as unknown as Sql]) {
        const error = await assertRejects(() =>
          sql.begin(async (tx) => {
            await tx`insert into ${tx(table.name)} values (1)`;
            const query = tx`select ${undefined as never}`.execute();
            if (isAwaited) await query.catch(() => {});
          })
        );
        assertEquals((error as { code?: unknown }).code, "UNDEFINED_VALUE");
      }
      assertEquals(await table.rows(), []);
    },
  );
}

poolTest(
  "Promise 9: transaction() tells of what the server refused, and runs again for it, not of what was never sent",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    let runs = 0;
    const error = await assertRejects(() =>
      world.pool.transaction(async (tx) => {
        runs++;
        const late = tx.with({ signal: AbortSignal.abort("late") });
        await late`select 1`.catch(() => {});
        await tx`do $$ begin raise exception sqlstate '40001'; end $$`
          .catch(() => {});
        await tx`select 1`;
      }, { retries: 2 })
    );
    assertEquals([runs, (error as { code?: unknown }).code], [3, "40001"]);
  },
);

poolTest(
  "Promise 10: transaction() does not run again what its callback has committed",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    for (const end of ["commit", "rollback"] as const) {
      let runs = 0;
      await assertRejects(() =>
        world.pool.transaction(async (tx) => {
          runs++;
          await tx[end]();
          await world.admin`do $$ begin raise serialization_failure; end $$`;
        }, { retries: 2 })
      );
      assertEquals(runs, end === "commit" ? 1 : 3);
    }
  },
);

poolTest(
  "Promise 13: transaction() does not run again once its signal is aborted",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const controller = new AbortController();
    const { signal } = controller;
    let runs = 0;
    const error = await pool.transaction(async (tx) => {
      runs++;
      controller.abort("enough");
      await tx`do $$ begin raise serialization_failure; end $$`;
    }, { retries: 3, signal }).catch((error) => error);
    assertEquals(error, "enough");
    assertEquals(runs, 1);
  },
);

poolTest(
  "Promise 10: the queries of one transaction run in one session, whatever else goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 4 });
    const { pool } = world;
    await Promise.all(Array.from({ length: 40 }, async (_, index) => {
      if (index % 2 === 0) return await pool`select ${index}::int`;
      const pids = await pool.transaction(async (tx) => {
        const rows = await Promise.all(
          Array.from(
            { length: 4 },
            () =>
              tx`select pg_backend_pid() as pid, pg_current_xact_id()::text as id`,
          ),
        );
        return rows.map(([row]) => `${row?.pid} ${row?.id}`);
      });
      assertEquals(new Set(pids).size, 1);
    }));
    assert(pool.stats().opened <= 4);
  },
);
