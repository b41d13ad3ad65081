import { AcquireTimeoutError } from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { fakedPool } from "../support/faked_pool.ts";

Deno.test("a lifetime that has just ended is not missed by a clock that is late", async () => {
  const { pool, clock } = fakedPool({ max: 1, maxLifetimeMs: 1_000 });
  clock.lagMs = 1;
  clock.recent = () => clock.now() - 0.9;
  const first = await pool.acquire();
  await first.release();
  clock.stall(500);
  const again = await pool.acquire();
  assertEquals(again.pid, first.pid);
  await again.release();
  clock.stall(500);
  const next = await pool.acquire();
  assertEquals(next.pid === first.pid, false);
  await next.release();
  await pool.close();
});

Deno.test("a time is not up early by a clock that is late", async () => {
  const { pool, clock } = fakedPool({ max: 1 });
  const lease = await pool.acquire();
  clock.lagMs = 1;
  clock.recent = () => clock.now() - 0.9;
  let isTurnedAway = false;
  const late = assertRejects(
    () => pool.acquire({ timeoutMs: 100 }),
    AcquireTimeoutError,
  ).then(() => isTurnedAway = true);
  clock.advance(99.9);
  // Whatever happens makes the pool look at the time.
  pool.resume();
  assertEquals([pool.stats().waiting, isTurnedAway], [1, false]);
  clock.advance(2);
  await late;
  await lease.release();
  await pool.close();
});
