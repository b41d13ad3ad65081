/** Queries that are refused where nobody awaits them: what was never run must not be missed in silence. */
import type { Pool } from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";
import { Unheard } from "../support/unheard.ts";

/** Has a query refused that it does not await. */
type Refuse = (pool: Pool) => Promise<unknown>;

const REFUSED: Record<string, Refuse> = {
  async LEASE_RELEASED(pool) {
    await using lease = await pool.acquire();
    void lease`select 1`.execute(); // the block ends before it runs
  },
  async TRANSACTION_FINISHED(pool) {
    await using tx = await pool.begin();
    await tx.commit();
    void tx`select 1`.execute();
  },
  async CONNECTION_BUSY(pool) {
    await using lease = await pool.acquire();
    for await (const _ of lease`select generate_series(1, 9)`.cursor(2)) {
      void lease`select 1`.execute();
      await nextTurn();
      break;
    }
  },
  async UNSAFE_TRANSACTION(pool) {
    void pool`begin`.execute();
    await nextTurn();
  },
};

for (const [code, refuse] of Object.entries(REFUSED)) {
  poolTest(
    `A query that is refused with ${code} is told of where nobody awaits it`,
    async (t) => {
      using unheard = new Unheard();
      await using world = poolWorld(t, { max: 1 });
      await refuse(world.pool);
      await nextTurn();
      assertEquals(unheard.codes, [code]);
    },
  );
}

const UNDONE: Record<string, Refuse> = {
  "its transaction was rolled back": async (pool) => {
    await using tx = await pool.begin();
    await tx.rollback();
    void tx`select 1`.execute();
  },
  "its callback threw": (pool) =>
    assertRejects(() =>
      pool.begin((tx) => {
        void tx`select 1`.execute();
        throw new Error("No");
      })
    ),
};

for (const [why, undo] of Object.entries(UNDONE)) {
  poolTest(
    `A query that nobody awaits is not missed where ${why}`,
    async (t) => {
      using unheard = new Unheard();
      await using world = poolWorld(t, { max: 1 });
      await undo(world.pool);
      await nextTurn();
      assertEquals(unheard.codes, []);
    },
  );
}
