import { assert, assertEquals } from "../support/assert.ts";
import { clockedWorld } from "../support/clocked_pool.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest } from "../support/pool_world.ts";

poolTest(
  "Promise 20: idle connections shrink to min under a trickle, never below",
  async (t) => {
    const options = { min: 2, max: 10, idleTimeoutMs: 1_000 };
    await using clocked = clockedWorld(t, options);
    const { pool, pass, world } = clocked;
    const leases = await Promise.all(
      Array.from({ length: 10 }, () => pool.acquire()),
    );
    for (const lease of leases) await lease.release();
    assertEquals(pool.stats().idle, 10);

    let least = Infinity;
    for (let step = 0; step < 50; step++) {
      await using lease = await pool.acquire();
      await lease`select 1`;
      await lease.release();
      await pass(100);
      const { idle, leased } = pool.stats();
      least = Math.min(least, idle + leased);
    }
    assertEquals(least, 2);
    assertEquals(pool.stats().closed.idle, 8);
    assertEquals(pool.stats().opened, 10);
    await eventually(
      "the server agrees",
      async () => (await world.pids()).length === 2,
    );
  },
);

poolTest(
  "Promise 20: a pool that is not used keeps min, and only min",
  async (t) => {
    const options = { min: 3, max: 10, idleTimeoutMs: 1_000 };
    await using clocked = clockedWorld(t, options);
    const { pool, pass } = clocked;
    await pool.ready();
    await eventually("min is open", () => pool.stats().idle === 3);
    await Promise.all(Array.from({ length: 30 }, () => pool`select 1`));
    assert(pool.stats().total >= 3);

    await pass(10_000, 500);
    await eventually("it has shrunk", () => pool.stats().total === 3);
    assertEquals(pool.stats().idle, 3);
  },
);

poolTest("Promise 20: without min, nothing stays", async (t) => {
  await using clocked = clockedWorld(t, { idleTimeoutMs: 1_000 });
  const { pool, clock, world } = clocked;
  await pool`select 1`;
  clock.advance(999);
  assertEquals(pool.stats().idle, 1);
  clock.advance(1);
  assertEquals(pool.stats().idle, 0);
  await eventually(
    "the server agrees",
    async () => (await world.pids()).length === 0,
  );
});

poolTest("Promise 20: what is lost below min is opened again", async (t) => {
  await using clocked = clockedWorld(t, { min: 2 });
  const { pool, world } = clocked;
  await eventually("min is open", () => pool.stats().idle === 2);
  await world.kill(...await world.pids());
  await eventually(
    "min is open again",
    () => pool.stats().idle === 2 && pool.stats().lost === 2,
  );
});
