import { assert, assertEquals, assertNotEquals } from "../support/assert.ts";
import { clockedWorld } from "../support/clocked_pool.ts";
import { nextTurn } from "../support/eventually.ts";
import { poolTest } from "../support/pool_world.ts";

const LIFETIME = { maxLifetimeMs: 60_000, idleTimeoutMs: Infinity };

poolTest("Promise 19: an expired connection is never granted", async (t) => {
  await using clocked = clockedWorld(t, { ...LIFETIME, max: 1 });
  const { pool, clock } = clocked;
  const first = await pool.acquire();
  const { pid } = first;
  await first.release();

  clock.advance(59_999);
  await using again = await pool.acquire();
  assertEquals(again.pid, pid);
  await again.release();
  clock.advance(1);

  await using next = await pool.acquire();
  assertNotEquals(next.pid, pid);
  assertEquals(pool.stats().closed.expired, 1);
});

poolTest(
  "Promise 19: an expired connection is never cut while leased",
  async (t) => {
    await using clocked = clockedWorld(t, { ...LIFETIME, max: 1 });
    const { pool, clock } = clocked;
    const lease = await pool.acquire();
    const { pid } = lease;

    clock.advance(600_000);
    const [row] = await lease`select pg_backend_pid() as pid`;
    assertEquals(row?.pid, pid);
    assertEquals(lease.signal.aborted, false);
    await lease.release();

    await using next = await pool.acquire();
    assertNotEquals(next.pid, pid);
    assertEquals(pool.stats().closed.expired, 1);
  },
);

poolTest(
  "Promise 19: an expired connection ends its one-shots before it goes",
  async (t) => {
    await using clocked = clockedWorld(t, { ...LIFETIME, max: 1 });
    const { pool, clock } = clocked;
    const [row] = await pool`select pg_backend_pid() as pid`;

    const slow = pool`select pg_sleep(0.05), pg_backend_pid() as pid`.execute();
    await nextTurn();
    assertEquals(pool.stats().shared, 1);
    clock.advance(60_000);
    assertEquals((await slow)[0]?.pid, row?.pid);

    const [next] = await pool`select pg_backend_pid() as pid`;
    assertNotEquals(next?.pid, row?.pid);
  },
);

poolTest(
  "Promise 19: a hundred born together do not die together",
  async (t) => {
    await using clocked = clockedWorld(t, { ...LIFETIME, max: 100 });
    const { pool, clock, pass } = clocked;
    let born = 0;
    clock.chance = () => born++ / 100;
    const leases = await Promise.all(
      Array.from({ length: 100 }, () => pool.acquire()),
    );
    for (const lease of leases) await lease.release();
    assertEquals(pool.stats().idle, 100);

    clock.advance(53_999);
    assertEquals(pool.stats().closed.expired, 0);
    const deaths: number[] = [];
    for (let step = 0; step < 61; step++) {
      const before = pool.stats().closed.expired;
      await pass(100);
      deaths.push(pool.stats().closed.expired - before);
    }
    assertEquals(deaths.reduce((sum, count) => sum + count), 100);
    assert(Math.max(...deaths) <= 3, `They died in flocks: ${deaths}`);
  },
);
