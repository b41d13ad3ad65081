/** A server that misbehaves at each of the client's messages, in every way. */
import { type Pool, PoolError } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { type Misbehaviour, MISBEHAVIOURS } from "../support/fake_postgres.ts";
import { poolTest } from "../support/pool_world.ts";
import { faultWorld, forEachBelow } from "./fault_world.ts";

const LIMITS = {
  acquireTimeoutMs: 400,
  connectTimeoutMs: 150,
  queryTimeoutMs: 150,
  releaseTimeoutMs: 100,
  closeTimeoutMs: 300,
};
const ROWS = [{ n: 1 }, { n: 2 }, { n: 3 }];

/** A message of the client's, and what makes the pool send it. */
interface Occasion {
  readonly at: string;
  readonly isDial?: boolean;
  /** What it comes to is the same without an answer. */
  readonly mayMissAnswer?: boolean;
  act(pool: Pool): PromiseLike<unknown>;
}

const asks = (pool: Pool) => pool`select n from generate_series(1, 3) n`;

const OCCASIONS: readonly Occasion[] = [
  { at: "startup", isDial: true, act: asks },
  {
    at: "Q",
    act: (pool) => pool.unsafe("select n from generate_series(1, 3) n"),
  },
  { at: "P", act: asks },
  { at: "D", act: asks },
  { at: "B", act: asks },
  { at: "E", act: asks },
  { at: "S", act: asks },
  {
    // The rollback of a lease that is returned.
    at: "Q",
    mayMissAnswer: true,
    async act(pool) {
      const lease = await pool.acquire();
      await lease`begin`;
      await lease.release();
      return ROWS;
    },
  },
  {
    at: "cancel",
    mayMissAnswer: true,
    async act(pool) {
      const query = pool.with({ timeoutMs: 20 })`select pg_sleep(60)`;
      const error = await query.then(() => undefined, (error) => error);
      assertEquals(error.code, "QUERY_TIMEOUT");
      return ROWS;
    },
  },
  {
    at: "X",
    mayMissAnswer: true,
    async act(pool) {
      await pool.close();
      return ROWS;
    },
  },
];

async function meet(how: Misbehaviour, occasion: Occasion): Promise<boolean> {
  const { at, act, isDial } = occasion;
  await using world = await faultWorld(LIMITS);
  const { pool, server } = world;
  if (!isDial) await pool`select 1 as one`;
  // The first of them; all of them while one dials, or the next dial would do.
  const times = isDial ? Infinity : 1;
  const behave = server.misbehave({ at, how, times });
  let isRight = true;
  try {
    assertEquals(structuredClone(await act(pool)), ROWS);
  } catch (error) {
    assertInstanceOf(error, PoolError);
    isRight = false;
  }
  behave();
  if (at !== "X") await assertRecovers(pool);
  return isRight;
}

async function assertRecovers(pool: Pool): Promise<void> {
  await eventually("the pool works again", async () => {
    try {
      assertEquals<unknown>(structuredClone(await asks(pool)), ROWS);
      return true;
    } catch (error) {
      if (error instanceof PoolError) return false;
      throw error;
    }
  });
  const { total, leased, waiting } = pool.stats();
  assertEquals({ total, leased, waiting }, { total: 1, leased: 0, waiting: 0 });
}

for (const how of MISBEHAVIOURS) {
  const isControl = how === "nothing";
  const outcome = isControl ? "gets its rows" : "never has wrong rows";
  poolTest(
    `who asks a server that answers with ${how}, at any message, ${outcome}; the pool goes on`,
    async () => {
      await forEachBelow(OCCASIONS.length, async (index) => {
        const occasion = OCCASIONS[index]!;
        const isRight = await meet(how, occasion);
        const mustBeRight = isControl || occasion.mayMissAnswer === true;
        assert(isRight === mustBeRight, `${how} at ${occasion.at}: ${isRight}`);
      });
    },
  );
}

poolTest("sessions that are ended while idle are nobody's error", async () => {
  await using world = await faultWorld({ max: 3, min: 0 });
  const { pool, server } = world;
  const leases = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  for (const lease of leases) await lease.release();
  server.terminate();
  await eventually("all are lost", () => pool.stats().lost === 3);
  assertEquals<unknown>(structuredClone(await asks(pool)), ROWS);
  assertEquals(pool.stats().total, 1);
});
