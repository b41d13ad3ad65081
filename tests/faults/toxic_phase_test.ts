/** Each toxic, in each phase of a connection's life, on the real server. */
import {
  AcquireTimeoutError,
  ConnectError,
  ConnectionLostError,
  type Pool,
  PoolError,
} from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { Fate } from "../support/fate.ts";
import {
  type Fault,
  type FaultPlace,
  type FaultProxy,
  startFaultProxy,
  type Toxic,
} from "../support/fault_proxy.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";

// Where something must not work, it is given little time; else it has plenty.
const SHORT_MS = 150;
const LONG_MS = 5_000;

/** What became of what was done in a phase: `works`, or the code of an error. */
type Outcome = string;

/** Where a toxic strikes. */
interface Scene {
  readonly pool: Pool;
  readonly proxy: FaultProxy;
  /** Adds the toxic, now. */
  strike(): Fault;
  /** Waits for what the toxic does to a connection that is not used, if it does. */
  settled(): Promise<void>;
}

const PHASES: Readonly<Record<string, (scene: Scene) => Promise<Outcome>>> = {
  async dial({ pool, strike }) {
    strike();
    return await outcome(async () => {
      const lease = await pool.acquire();
      await lease`select 1`.finally(() => lease.release());
    });
  },
  async idle({ pool, strike, settled }) {
    await pool`select 1`;
    strike();
    await settled();
    return await outcome(async () => {
      const lease = await pool.acquire();
      await lease`select 1`.finally(() => lease.release());
    });
  },
  async "in flight"({ pool, proxy, strike }) {
    await pool`select 1`;
    const sent = proxy.requested("pg_sleep");
    const query = pool`select pg_sleep(0.05), repeat('x', 500)`.execute();
    const settling = outcome(() => query);
    await sent;
    strike();
    return await settling;
  },
  async "between statements"({ pool, strike, settled }) {
    const lease = await pool.acquire();
    await lease`select 1`;
    strike();
    await settled();
    const result = await outcome(() => lease`select repeat('x', 500)`);
    await lease.release();
    return result;
  },
  async return({ pool, strike }) {
    const lease = await pool.acquire();
    await lease`begin`;
    strike();
    return await outcome(() => lease.release());
  },
  async close({ pool, strike }) {
    const lease = await pool.acquire();
    await lease`begin`;
    strike();
    void lease.release();
    return await outcome(() => pool.close());
  },
};

type Phase = keyof typeof PHASES;

const WORKS: Outcome = "works";
const LOST = "CONNECTION_LOST";
const NO_ANSWER = "QUERY_TIMEOUT";
const NOBODY = "ACQUIRE_TIMEOUT";

/** A toxic, and what it may come to; `works` in the phases that are not named. */
interface Row {
  readonly toxic: Toxic & FaultPlace;
  readonly comesTo: Partial<Record<Phase, readonly Outcome[]>>;
  /** It ends a connection that is not used: what follows waits for that. */
  readonly isDeadly?: boolean;
}

const ENDS: Row["comesTo"] = {
  dial: [NOBODY],
  idle: [NOBODY],
  "in flight": [LOST],
  "between statements": [LOST],
};

const ROWS: Readonly<Record<string, Row>> = {
  noop: { toxic: { kind: "noop", direction: "both" }, comesTo: {} },
  latency: {
    toxic: { kind: "latency", latencyMs: 20, direction: "both" },
    comesTo: {},
  },
  "latency up": {
    toxic: { kind: "latency", latencyMs: 20, direction: "up" },
    comesTo: {},
  },
  "latency beyond the deadlines": {
    toxic: { kind: "latency", latencyMs: 3_000, direction: "down" },
    comesTo: {
      dial: [NOBODY],
      idle: [NOBODY],
      "in flight": [NO_ANSWER],
      "between statements": [NO_ANSWER],
    },
  },
  bandwidth: {
    toxic: { kind: "bandwidth", bytesPerMs: 10, direction: "both" },
    comesTo: {},
  },
  slow_close: {
    toxic: { kind: "slow_close", delayMs: 150, direction: "both" },
    comesTo: {},
  },
  "timeout 0": {
    toxic: { kind: "timeout", timeoutMs: 0, direction: "both" },
    comesTo: {
      dial: [NOBODY],
      idle: [NOBODY],
      "in flight": [NO_ANSWER],
      "between statements": [NO_ANSWER],
    },
  },
  "timeout 40": {
    toxic: { kind: "timeout", timeoutMs: 40, direction: "both" },
    comesTo: ENDS,
  },
  reset_peer: {
    toxic: { kind: "reset_peer" },
    comesTo: ENDS,
    isDeadly: true,
  },
  slicer: {
    toxic: { kind: "slicer", size: 40, direction: "both" },
    comesTo: {},
  },
  limit_data: {
    toxic: { kind: "limit_data", bytes: 40 },
    // The ping that validates it still passes.
    comesTo: { ...ENDS, idle: [LOST] },
  },
  "limit_data at once": {
    toxic: { kind: "limit_data", bytes: 0 },
    comesTo: ENDS,
    isDeadly: true,
  },
  down: { toxic: { kind: "down" }, comesTo: ENDS, isDeadly: true },
  "half_close down": {
    toxic: { kind: "half_close", direction: "down" },
    comesTo: ENDS,
    isDeadly: true,
  },
  "half_close up": {
    toxic: { kind: "half_close", direction: "up" },
    // The server ends what it runs before it sees that nobody asks any more.
    comesTo: { ...ENDS, "in flight": [WORKS] },
    isDeadly: true,
  },
  garbage: {
    toxic: { kind: "garbage" },
    comesTo: { ...ENDS, dial: ["CONNECT_FAILED"], idle: ["CONNECT_FAILED"] },
    isDeadly: true,
  },
  duplicate: {
    toxic: {
      kind: "duplicate",
      at: { direction: "down", message: "Z" },
      times: 1,
    },
    // It may be lost, but never has the result of another.
    comesTo: {
      dial: [WORKS, LOST, "CONNECT_FAILED"],
      idle: [WORKS, LOST, "CONNECT_FAILED"],
      "in flight": [WORKS, LOST],
      "between statements": [WORKS, LOST],
      return: [WORKS, LOST],
    },
  },
  flapping: {
    toxic: { kind: "flapping", downMs: 30, upMs: 60 },
    comesTo: {
      dial: [WORKS, NOBODY, LOST],
      idle: [WORKS, NOBODY, LOST],
      "in flight": [LOST],
      "between statements": [LOST],
    },
    isDeadly: true,
  },
};

for (const [name, row] of Object.entries(ROWS)) {
  for (const phase of Object.keys(PHASES)) {
    const expected = row.comesTo[phase] ?? [WORKS];
    poolTest(`${name}, ${phase}: ${expected.join(" or ")}`, async (t) => {
      await using proxy = await startFaultProxy(worldServer);
      await using world = poolWorld(t, {
        max: 1,
        fetch_types: false,
        acquireTimeoutMs: expected.includes(NOBODY) ? 2 * SHORT_MS : LONG_MS,
        connectTimeoutMs: expected.includes(NOBODY) ? SHORT_MS : LONG_MS,
        queryTimeoutMs: expected.includes(NO_ANSWER) ? SHORT_MS : LONG_MS,
        releaseTimeoutMs: SHORT_MS,
        closeTimeoutMs: 3 * SHORT_MS,
        validateAfterIdleMs: 0,
      }, { through: proxy });
      const { pool } = world;
      const faults: Fault[] = [];
      const found = await PHASES[phase]!({
        pool,
        proxy,
        strike() {
          const fault = proxy.add(row.toxic);
          faults.push(fault);
          return fault;
        },
        async settled() {
          if (row.isDeadly !== true) return;
          await eventually("it is lost", () => pool.stats().lost > 0);
        },
      });
      assert(expected.includes(found), `It came to ${found}`);
      await assertSlots(pool);
      for (const fault of faults) await fault.remove();
      if (phase !== "close") await assertRecovers(pool);
    });
  }
}

/** What became of it, by the deadline of the test. */
async function outcome(body: () => PromiseLike<unknown>): Promise<Outcome> {
  const fate = new Fate(body());
  await fate.settled;
  if (!(fate.value instanceof Error)) return WORKS;
  if (fate.value instanceof PoolError) return fate.value.code;
  throw fate.value;
}

/** No slot is lost, and none is there twice. */
async function assertSlots(pool: Pool): Promise<void> {
  // What a query that timed out left on its connection may still be ending.
  await eventually("nothing is held", () => {
    const { idle, leased, shared, connecting, closing, total } = pool.stats();
    assertEquals(idle + leased + shared + connecting + closing, total);
    assert(total <= 1, `${total} connections`);
    return leased === 0 && shared === 0;
  });
  assertEquals(pool.stats().waiting, 0);
}

/** Once the fault is gone, the pool works again. */
async function assertRecovers(pool: Pool): Promise<void> {
  await eventually("the pool works again", async () => {
    try {
      const rows = await pool`select 1 as one`;
      assertEquals(structuredClone([...rows]), [{ one: 1 }]);
      return true;
    } catch (error) {
      // A statement may still meet what the fault left, and where the last
      // dial met a stranger, the next one waits its turn.
      if (error instanceof ConnectionLostError) return false;
      if (error instanceof ConnectError) return false;
      if (error instanceof AcquireTimeoutError) return false;
      throw error;
    }
  });
}
