import { ConnectionBusyError, TransactionFinishedError } from "../../mod.ts";
import type { Transaction } from "../../mod.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../support/assert.ts";
import { makeTable, type NumberTable } from "../support/number_table.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

async function insert(
  tx: Transaction,
  table: NumberTable,
  value: number,
): Promise<void> {
  await tx`insert into ${tx(table.name)} values (${value})`;
}

/** Waits for so many turns of promises. */
async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await undefined;
}

for (const failing of [[], [0], [0, 1]]) {
  poolTest(
    `Savepoints side by side are each kept or told that they are not, when ${
      JSON.stringify(failing)
    } of them fail`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      await using table = await makeTable(world);
      const { pool } = world;
      const results = await pool.begin(async (tx) => {
        const insert = (n: number) =>
          tx.savepoint(async (savepoint) => {
            await savepoint`insert into ${tx(table.name)} values (${n})`;
            await savepoint`select pg_sleep(0.005)`;
            if (failing.includes(n)) throw new Error("Not this one");
            await savepoint`select ${n}`;
          });
        return await Promise.allSettled([insert(0), insert(1)]);
      });
      // The server has the second within the first.
      const kept = failing.length > 0 ? [] : [0, 1];
      assertEquals(await table.rows(), kept);
      assertEquals(
        results.map(({ status }) => status === "fulfilled"),
        [0, 1].map((n) => kept.includes(n)),
      );
      assertEquals(pool.stats().opened, 1);
    },
  );
}

poolTest(
  "Savepoints that are refused beside an open COPY undo nothing but themselves",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    const own = new Error("Its own");
    await world.pool.begin(async (tx) => {
      const thrown = await tx.savepoint(async (outer) => {
        await insert(outer, table, 1);
        const copy = await outer`copy ${tx(table.name)} from stdin`.writable();
        const refused = await Promise.allSettled([
          outer.savepoint(() => {}),
          outer.savepoint(() => {}),
        ]);
        for (const result of refused) {
          if (result.status === "fulfilled") throw new Error("One was made");
          assertInstanceOf(result.reason, ConnectionBusyError);
        }
        copy.end();
        throw own;
      }).catch((error) => error);
      assertEquals(thrown, own);
    });
    assertEquals(await table.rows(), []);
  },
);

poolTest(
  "Savepoints that are refused in one that has failed undo nothing but themselves",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await world.pool.begin(async (tx) => {
      await insert(tx, table, 1);
      await tx.savepoint(async (outer) => {
        await outer`select 1/0`.catch(() => {});
        await Promise.allSettled([
          outer.savepoint(() => {}),
          outer.savepoint(() => {}),
        ]);
      }).catch(() => {});
      await insert(tx, table, 2);
    });
    assertEquals(await table.rows(), [1, 2]);
  },
);

poolTest(
  "A savepoint whose commit is overtaken by the rollback of one before it is told so",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using tx = await world.pool.begin();
    const outer = await tx.savepoint();
    const [first, second] = [await outer.savepoint(), await outer.savepoint()];
    await insert(second, table, 1);
    const [commit] = await Promise.allSettled([
      second.commit(),
      first.rollback(),
    ]);
    if (commit.status === "fulfilled") throw new Error("It was committed");
    assertInstanceOf(commit.reason, TransactionFinishedError);
    assertEquals(second.outcome, "rolled back");
    await insert(outer, table, 2);
    await outer.commit();
    await tx.commit();
    assertEquals(await table.rows(), [2]);
  },
);

poolTest(
  "A savepoint made after the rollback of another was called is not undone with it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await world.pool.begin(async (tx) => {
      const first = await tx.savepoint();
      const busy = tx`select pg_sleep(0.02)`.execute();
      await turns(3);
      const rollback = first.rollback();
      const kept = tx.savepoint((second) => insert(second, table, 1));
      await Promise.all([busy, rollback, kept]);
      await insert(tx, table, 2);
    });
    assertEquals(await table.rows(), [1, 2]);
  },
);

for (const later of [0, 1, 3, 6]) {
  poolTest(
    `The recovery by an outer savepoint stands, when the commit of one that failed in it began ${later} turns before`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      await using table = await makeTable(world);
      await using tx = await world.pool.begin();
      await insert(tx, table, 1);
      const outer = await tx.savepoint();
      const inner = await outer.savepoint();
      await inner`select 1/0`.catch(() => {});
      const commit = inner.commit().catch((error) => error);
      await turns(later);
      await outer.rollback();
      assertInstanceOf(await commit, Error);
      await insert(tx, table, 2);
      await tx.commit();
      assertEquals(await table.rows(), [1, 2]);
    },
  );
}

poolTest(
  "The commit of a savepoint in which a statement failed is refused, though another was made after it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using tx = await world.pool.begin();
    const first = await tx.savepoint();
    await first`insert into ${first(table.name)} values (1)`;
    await tx.savepoint();
    await assertRejects(async () => await first`select 1/0`);
    await assertRejects(() => first.commit());
    await tx.commit();
    assertEquals([first.outcome, tx.outcome], ["rolled back", "committed"]);
    assertEquals(await table.rows(), []);
  },
);
