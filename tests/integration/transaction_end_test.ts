import {
  ConnectionBusyError,
  LeaseReleasedError,
  type Transaction,
  TransactionFinishedError,
} from "../../mod.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../support/assert.ts";
import { makeTable } from "../support/number_table.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";
import { Unheard } from "../support/unheard.ts";

for (const isOnLease of [false, true]) {
  poolTest(
    `A commit that was called is made, though its block is left in the same turn${
      isOnLease ? ", and that of its lease" : ""
    }`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      await using table = await makeTable(world);
      async function leave(): Promise<{ commit: Promise<void> }> {
        await using lease = isOnLease ? await world.pool.acquire() : undefined;
        await using tx = await (lease ?? world.pool).begin();
        await tx`insert into ${tx(table.name)} values (1)`;
        return { commit: tx.commit() };
      }
      await (await leave()).commit;
      assertEquals(await table.rows(), [1]);
      const { leased, opened } = world.pool.stats();
      assertEquals([leased, opened], [0, 1]);
    },
  );
}

for (const end of ["commit", "rollback"] as const) {
  poolTest(
    `A lease can begin again where a ${end} was called, and not awaited, before its block was left`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      await using lease = await world.pool.acquire();
      {
        await using tx = await lease.begin();
        await tx`select 1`;
        void tx[end]();
      }
      await using next = await lease.begin();
      assertEquals((await next`select 1 as one`)[0]?.one, 1);
    },
  );
}

poolTest(
  "begin(fn) waits for a commit that its callback called, and tells of it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await world.pool.begin(async (tx) => {
      await tx`insert into ${tx(table.name)} values (1)`;
      void tx.commit();
    });
    assertEquals(await table.rows(), [1]);
    const told = await assertRejects(() =>
      world.pool.begin(async (tx) => {
        await tx`select 1/0`.catch(() => {});
        void tx.commit().catch(() => {});
      })
    );
    assertInstanceOf(told, TransactionFinishedError);
  },
);

poolTest(
  "A transaction that goes on after its connection was detached is not said to be rolled back",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    const lease = await world.pool.acquire();
    const tx = await lease.begin();
    await tx`insert into ${tx(table.name)} values (1)`;
    const detached = lease.detach();
    await assertRejects(() => tx.commit(), LeaseReleasedError);
    assertEquals(tx.outcome, "unknown");
    await detached`commit`;
    await detached.release();
    assertEquals(await table.rows(), [1]);
  },
);

poolTest(
  "A commit that is refused leaves its transaction to be rolled back, though its block is left in the same turn",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    async function leave(): Promise<{ commit: Promise<unknown> }> {
      await using tx = await world.pool.begin();
      const rows = tx`select generate_series(1, 9)`.cursor(2);
      await rows[Symbol.asyncIterator]().next();
      return { commit: tx.commit().catch((error) => error) };
    }
    const error = await (await leave()).commit;
    assertInstanceOf(error, ConnectionBusyError);
    assertEquals(world.pool.stats().leased, 0);
    assertEquals((await world.pool`select 1 as one`)[0]?.one, 1);
  },
);

for (
  const [how, limits] of [["by its parameter", {}], ["in time", {
    timeoutMs: 20,
  }]] as const
) {
  poolTest(
    `begin(fn) rejects for a statement that was not sent ${how}, though it stands behind another`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      await using table = await makeTable(world);
      await assertRejects(() =>
        world.pool.begin((tx) => {
          const limited = tx.with({ timeoutMs: 5_000 });
          void limited`select pg_sleep(0.1)`.execute();
          const value = "timeoutMs" in limits ? 1 : undefined as never;
          void tx.with(limits)`insert into ${tx(table.name)} values (${value})`
            .execute();
        })
      );
      await world.pool.begin((tx) =>
        tx`insert into ${tx(table.name)} values (2)`
      );
      assertEquals(await table.rows(), [2]);
    },
  );
}

poolTest(
  "A statement that was not sent ends no transaction that commits by itself",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using tx = await world.pool.begin();
    await tx`insert into ${tx(table.name)} values (1)`;
    await assertRejects(async () => await tx`select ${undefined as never}`);
    await tx.commit();
    assertEquals(await table.rows(), [1]);
  },
);

poolTest(
  "A statement that was not sent, in a transaction that commits by itself, is told of where nobody awaits it",
  async (t) => {
    using unheard = new Unheard();
    {
      await using world = poolWorld(t, { max: 1 });
      await using tx = await world.pool.begin();
      void tx`select ${undefined as never}`.execute();
      await tx.commit();
    }
    assertEquals(unheard.codes, ["UNDEFINED_VALUE"]);
  },
);

poolTest(
  "A commit that fails is told of where nobody awaits it, though its block is left",
  async (t) => {
    using unheard = new Unheard();
    {
      await using world = poolWorld(t, { max: 1 });
      await using tx = await world.pool.begin();
      await tx`create temp table once (n int unique deferrable initially deferred)`;
      await tx`insert into once values (1), (1)`;
      void tx.commit();
    }
    assertEquals(unheard.codes, ["23505"]);
  },
);

function no(): never {
  throw new Error("No");
}

const UNKNOWN_TO_THE_SERVER: Record<
  string,
  (tx: Transaction, table: string) => Promise<unknown>
> = {
  "a cursor's callback that throws": (tx) =>
    tx`select generate_series(1, 9)`.cursor(2, no).catch(() => {}),
  "a forEach that throws": (tx, table) =>
    Promise.resolve(
      tx`insert into ${tx(table)} values (1) returning a`.forEach(no),
    ).catch(() => {}),
  async "a time limit that passed before its statement was cancelled"(
    tx,
    table,
  ) {
    const slow = tx`select pg_sleep(0.2)`.execute();
    await tx.with({ timeoutMs: 20 })`insert into ${tx(table)} values (1)`
      .catch(() => {});
    await slow;
  },
};

for (const [what, run] of Object.entries(UNKNOWN_TO_THE_SERVER)) {
  poolTest(`begin(fn) rejects and rolls back for ${what}`, async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await assertRejects(() =>
      world.pool.begin(async (tx) => {
        await tx`insert into ${tx(table.name)} values (7)`;
        await run(tx, table.name);
      })
    );
    assertEquals(await table.rows(), []);
    assertEquals((await world.pool`select 1 as one`)[0]?.one, 1);
  });
}
