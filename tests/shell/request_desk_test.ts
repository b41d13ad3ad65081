import { assertEquals, assertRejects } from "../support/assert.ts";
import { fakedPool } from "../support/faked_pool.ts";
import { AcquireTimeoutError } from "../../mod.ts";

Deno.test("an acquire that times out says that the pool is paused, if it is", async () => {
  const { pool, clock } = fakedPool({ max: 1 });
  for (const isPaused of [true, false]) {
    const lease = isPaused ? pool.pause() : await pool.acquire();
    const late = assertRejects(
      () => pool.acquire({ timeoutMs: 100 }),
      AcquireTimeoutError,
    );
    clock.advance(100);
    const { message, stats } = await late;
    assertEquals(message.includes("; the pool is paused"), isPaused);
    assertEquals(stats.isPaused, isPaused);
    pool.resume();
    await lease?.release();
  }
  await pool.close();
});
