import { ConnectError, type Pool } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import type { FaultDirection, Toxic } from "../support/fault_proxy.ts";
import { poolTest } from "../support/pool_world.ts";
import { type FaultWorld, faultWorld, forEachBelow } from "./fault_world.ts";

const DIRECTIONS: readonly FaultDirection[] = ["down", "up"];
const CUT: Toxic = { kind: "limit_data", bytes: 0 };
const RESET: Toxic = { kind: "reset_peer" };
const NOOP: Toxic = { kind: "noop" };

// The driver names its statements by chance, not all of them equally long. Like
// this a start-up is the same bytes each time, and its last one can be cut too.
Math.random = () => 0.5;

/** Where a start-up asks for TLS, goes on without, and needs a password. */
function startUpWorld(): Promise<FaultWorld> {
  const setUp = { authentication: "md5", password: "secret" } as const;
  return faultWorld({ ssl: "prefer" }, setUp);
}

/** Dials with something done to the first connection at one byte; answers how many dials failed. */
async function dialWith(
  toxic: Toxic,
  direction: FaultDirection,
  byte: number,
): Promise<number> {
  await using world = await startUpWorld();
  const { pool, proxy, dialErrors } = world;
  const fault = proxy.add({ ...toxic, at: { direction, byte }, times: 1 });
  await assertWorks(pool);
  assertEquals(fault.strikes, 1);
  for (const error of dialErrors) {
    assertInstanceOf(error, ConnectError);
    // Not by its deadline: at once.
    assertEquals(error.kind, "refused");
  }
  const { openErrors, opened, total, connecting } = pool.stats();
  assertEquals({ openErrors, opened, total, connecting }, {
    openErrors: dialErrors.length,
    opened: 1,
    total: 1,
    connecting: 0,
  });
  return dialErrors.length;
}

async function assertWorks(pool: Pool): Promise<void> {
  const lease = await pool.acquire();
  assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
  await lease.release();
}

/** How many bytes a start-up takes in one direction. */
async function startUpLength(direction: FaultDirection): Promise<number> {
  await using world = await startUpWorld();
  const lease = await world.pool.acquire();
  const length = world.proxy.bytes(direction);
  await lease.release();
  return length;
}

for (const direction of DIRECTIONS) {
  poolTest(
    `limit_data: a start-up cut at any byte ${direction} fails its dial at once, and the next one serves`,
    async () => {
      const length = await startUpLength(direction);
      assert(length > 100, `It takes ${length} bytes`);
      await forEachBelow(length, async (byte) => {
        assertEquals(await dialWith(CUT, direction, byte), 1);
      });
    },
  );

  poolTest(
    `reset_peer: a start-up reset at any byte ${direction} fails its dial at once, and the next one serves`,
    async () => {
      const length = await startUpLength(direction);
      await forEachBelow(length, async (byte) => {
        assertEquals(await dialWith(RESET, direction, byte), 1);
      });
    },
  );

  poolTest(
    `noop: nothing fails when nothing is done at a byte ${direction}`,
    async () => {
      const length = await startUpLength(direction);
      for (const byte of [0, 1, length - 1]) {
        assertEquals(await dialWith(NOOP, direction, byte), 0);
      }
    },
  );
}
