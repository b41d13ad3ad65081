import { ConnectionBusyError } from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

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
