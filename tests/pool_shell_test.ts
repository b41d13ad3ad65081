import { assertEquals } from "./support/assert.ts";
import { fakedPool } from "./support/faked_pool.ts";

Deno.test("a lifetime that has just ended is not missed by a clock that is late", async () => {
  const { pool, clock } = fakedPool({ max: 1, maxLifetimeMs: 1_000 });
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
