/** Commands of ours among statements that were executed and not awaited: each keeps its place. */
import { once } from "node:events";
import type { Writable } from "node:stream";
import {
  ConnectionBusyError,
  type PooledConnection,
  type Sql,
  type Transaction,
  TransactionFinishedError,
} from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { makeTable } from "../support/number_table.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";
import { Unheard } from "../support/unheard.ts";

/** Executes what takes a while and may, for all that is known of it, be a COPY. */
async function executeSlowly(sql: Sql): Promise<void> {
  void sql`${sql`select`} pg_sleep(0.05)`.execute();
  await undefined;
  await undefined;
}

poolTest(
  "A commit comes behind the queries that stand before it in Promise.all()",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    const insert = (sql: Sql, n: number) =>
      sql`insert into ${sql(table.name)} values (${n})`;
    await using tx = await world.pool.begin();
    await Promise.all([insert(tx, 1).execute(), insert(tx, 2), tx.commit()]);
    assertEquals(await table.rows(), [1, 2]);
  },
);

poolTest(
  "A begin and a savepoint come behind what was executed before, and before what is executed after",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    const insert = (sql: Sql, n: number) =>
      sql`insert into ${sql(table.name)} values (${n})`.execute();
    await using lease = await world.pool.acquire();
    void insert(lease, 1);
    const beginning = lease.begin();
    void insert(lease, 2);
    await (await beginning).rollback();
    await using tx = await lease.begin();
    void insert(tx, 3);
    const making = tx.savepoint();
    void insert(tx, 4);
    await (await making).rollback();
    await tx.commit();
    assertEquals(await table.rows(), [1, 3]);
  },
);

/** Begins or undoes something behind a slow statement, inserts 2 at once, and ends it. */
const ORDERS: Record<
  string,
  (
    lease: PooledConnection,
    insert: (sql: Sql) => PromiseLike<unknown>,
  ) => Promise<unknown>
> = {
  async "what is run after a savepoint was undone is kept"(lease, insert) {
    await using tx = await lease.begin();
    const savepoint = await tx.savepoint();
    await executeSlowly(tx);
    const undone = savepoint.rollback();
    await insert(tx);
    await undone;
    await tx.commit();
    return [2];
  },
  async "what is run after a transaction was rolled back is kept"(
    lease,
    insert,
  ) {
    await using tx = await lease.begin();
    await executeSlowly(tx);
    const undone = tx.rollback();
    await insert(lease);
    await undone;
    return [2];
  },
  async "what is run after a begin is in the transaction"(lease, insert) {
    await executeSlowly(lease);
    const begun = lease.begin();
    await insert(lease);
    await (await begun).rollback();
    return [];
  },
  async "savepoints are made in the order in which they were asked for"(
    lease,
    insert,
  ) {
    await lease.begin(async (tx) => {
      const slow = tx`${tx`select`} pg_sleep(0.05)`.execute();
      const later = async () => {
        await slow;
        await tx.savepoint((inner) => inner`select 1`);
      };
      await Promise.all([tx.savepoint((inner) => insert(inner)), later()]);
    });
    return [2];
  },
};

for (const [what, run] of Object.entries(ORDERS)) {
  poolTest(`Behind a slow statement ${what}`, async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using lease = await world.pool.acquire();
    const rows = await run(
      lease,
      (sql) => sql`insert into ${sql(table.name)} values (2)`,
    );
    assertEquals(await table.rows(), rows);
  });
}

poolTest(
  "A commit that is refused leaves its transaction open: it can be committed later",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using lease = await world.pool.acquire();
    await using tx = await lease.begin();
    const copy = tx`copy ${tx(table.name)} from stdin`.writable();
    await assertRejects(() => tx.commit(), ConnectionBusyError);
    assertEquals(tx.outcome, undefined);
    (await copy).end("1\n");
    await tx.commit();
    assertEquals(await table.rows(), [1]);
  },
);

poolTest(
  "A callback rejects with what failed behind a cursor that was just started",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    const loop = async (tx: Transaction) => {
      for await (const _ of tx`select generate_series(1, 9)`.cursor(2));
    };
    const error = await assertRejects(() =>
      world.pool.begin((tx) => {
        void loop(tx);
        void tx`insert into ${tx(table.name)} values (1)`.execute();
        void tx`insert into ${tx(table.name)} values (${undefined as never})`
          .execute().catch(() => {});
      })
    );
    assertEquals((error as { code?: string }).code, "UNDEFINED_VALUE");
    assertEquals(await table.rows(), []);
  },
);

poolTest(
  "The end of a transaction whose lease was released ends nothing of whoever has its connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const tx = await lease.begin();
    await lease.release();
    await using other = await pool.acquire();
    let count = 0;
    for await (const rows of other`select generate_series(1, 9)`.cursor(2)) {
      count += rows.length;
      await tx.rollback().catch(() => {});
    }
    assertEquals(count, 9);
  },
);

poolTest(
  "A savepoint whose commit was called after that of its transaction does nothing to the next",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using lease = await world.pool.acquire();
    for (let times = 0; times < 10; times++) {
      const tx = await lease.begin();
      const savepoint = await tx.savepoint();
      await savepoint`insert into ${savepoint(table.name)} values (1)`;
      const ends = [tx.commit(), savepoint.commit()];
      await ends[0];
      await using next = await lease.begin();
      await next`select 1`;
      await Promise.all(ends);
      assertEquals([tx.outcome, savepoint.outcome], ["committed", "committed"]);
      await next`select 1`;
      await next.commit();
    }
    assertEquals((await table.rows()).length, 10);
  },
);

poolTest(
  "A COPY whose first word is in a fragment, or in one of that, is a COPY",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await world.pool.begin(async (tx) => {
      const name = tx(table.name);
      const forms = [
        tx`${tx`copy ${name}`} from stdin`,
        tx`${tx`${tx`copy`} ${name}`} from stdin`,
        tx`${tx`/* a query`} of ${1} */ ${tx`copy`} ${name} from stdin`,
        tx`co${tx`py`} ${name} from stdin`,
      ];
      for (const form of forms) {
        const into = await form as unknown as Writable;
        const finished = once(into, "finish");
        into.end("1\n");
        await finished;
      }
    });
    assertEquals(await table.rows(), [1, 1, 1, 1]);
  },
);

poolTest(
  "What is run right before the loop over a cursor is left is in the transaction",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    const insertAndLeave = async (tx: Transaction, n: number) => {
      for await (const _ of tx`select generate_series(1, 4)`.cursor(2)) {
        void tx`insert into ${tx(table.name)} values (${n})`.execute();
        break;
      }
    };
    await using lease = await world.pool.acquire();
    const undone = await lease.begin();
    await insertAndLeave(undone, 1);
    await undone.rollback();
    const tx = await lease.begin();
    const savepoint = await tx.savepoint();
    await insertAndLeave(savepoint, 2);
    await savepoint.rollback();
    await insertAndLeave(tx, 3);
    await tx.commit();
    assertEquals(await table.rows(), [3]);
    const xmins = await lease`select distinct xmin::text from ${
      lease(table.name)
    }`;
    assertEquals(xmins.length, 1);
  },
);

for (const which of ["failed", "died"] as const) {
  poolTest(
    `A savepoint's commit rejects where its transaction ${which} beside it`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      await using lease = await world.pool.acquire();
      const tx = await lease.begin();
      const outer = await tx.savepoint();
      const inner = await outer.savepoint();
      if (which === "failed") await inner`select 1/0`.catch(() => {});
      else {
        const waiting = tx`select pg_sleep(60)`.execute();
        waiting.catch(() => {});
        await nextTurn();
        await world.admin`select pg_terminate_backend(${lease.pid})`;
      }
      const ends = [tx.commit(), outer.commit(), inner.commit()];
      const settled = await Promise.allSettled(ends);
      const expected = ends.map(() => "rejected");
      assertEquals(settled.map(({ status }) => status), expected);
    },
  );
}

poolTest(
  "A callback's end does not wait for who goes on to ask",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    const poll = async (tx: Transaction) => {
      for (;;) await tx.with({ timeoutMs: 5_000 })`select pg_sleep(0.01)`;
    };
    const polls: Promise<unknown>[] = [];
    await lease.begin((tx) => {
      for (let n = 0; n < 3; n++) polls.push(poll(tx).catch(() => {}));
    });
    await Promise.all(polls);
  },
);

poolTest(
  "A lease can be released amid a rollback that nobody awaits",
  async (t) => {
    using unheard = new Unheard();
    {
      await using world = poolWorld(t, { max: 1 });
      const lease = await world.pool.acquire();
      const tx = await lease.begin();
      await executeSlowly(tx);
      void tx.rollback();
      await lease.release();
      await world.pool`select 1`;
    }
    assertEquals(unheard.codes, []);
  },
);

poolTest(
  "What is run after a transaction was rolled back in the loop of its cursor is kept",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using lease = await world.pool.acquire();
    await using tx = await lease.begin();
    await assertRejects(async () => {
      for await (const _ of tx`select generate_series(1, 9)`.cursor(2)) {
        const undone = tx.rollback();
        await lease`insert into ${lease(table.name)} values (1)`;
        await undone;
      }
    }, TransactionFinishedError);
    assertEquals(await table.rows(), [1]);
  },
);

poolTest(
  "What is run after a savepoint was undone in the loop of its cursor is kept",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using tx = await world.pool.begin();
    const savepoint = await tx.savepoint();
    await assertRejects(async () => {
      for await (const _ of savepoint`select generate_series(1, 9)`.cursor(2)) {
        const undone = savepoint.rollback();
        await tx`insert into ${tx(table.name)} values (1)`;
        await undone;
      }
    }, TransactionFinishedError);
    await tx.commit();
    assertEquals(await table.rows(), [1]);
  },
);

poolTest(
  "A statement whose plan is stale does not run in a transaction that began behind it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using lease = await world.pool.acquire();
    const insert = () =>
      lease`insert into ${lease(table.name)} values (1) returning *`;
    for (const _ of [1, 2]) await insert();
    await world.admin.unsafe(`alter table ${table.name} add column b int`);
    const asked = insert().then(() => "kept", ({ code }) => code);
    await undefined; // it is executed
    await (await lease.begin()).rollback();
    assertEquals([await asked, await table.rows()], ["0A000", [1, 1]]);
    assertEquals((await insert()).count, 1);
  },
);
