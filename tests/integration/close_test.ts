import { PoolClosedError } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { clockedWorld } from "../support/clocked_pool.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { Fate } from "../support/fate.ts";
import { GatedTransport } from "../support/gated_transport.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

poolTest(
  "Promise 21: close() turns waiters away in the same turn",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using lease = await pool.acquire();
    const waiters = [
      new Fate(pool.acquire()),
      new Fate(pool.use(() => {})),
      new Fate(pool.begin()),
      new Fate(pool`select 1`),
      new Fate(pool.with({ timeoutMs: 5_000 })`select 1`),
    ];
    await nextTurn();
    assertEquals(pool.stats().waiting, 5);

    const closed = new Fate(pool.close());
    assertEquals(pool.stats().waiting, 0);
    // Promises only: no timer, and nothing of the network.
    for (let turn = 0; turn < 20; turn++) await undefined;
    for (const { value } of waiters) {
      assertInstanceOf(value, PoolClosedError);
      assertEquals(value.code, "POOL_CLOSED");
    }
    assertEquals(pool.stats().acquireClosed, 5);
    await lease.release();
    await closed.settled;
  },
);

poolTest("Promise 21: close() refuses whoever comes after it", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  const lease = await pool.acquire();
  const closed = pool.close();
  for (let round = 0; round < 2; round++) {
    const late = [pool.acquire(), pool`select 1`, pool.begin(), pool.ready()];
    for (const each of late.map((promise) => new Fate(promise))) {
      assertInstanceOf(await each.settled, PoolClosedError);
    }
    assertEquals(pool.tryAcquire(), undefined);
    await lease.release();
    await closed;
  }
});

poolTest(
  "Promise 21: close() waits for leases, transactions and queries",
  async (t) => {
    await using clocked = clockedWorld(t, { max: 4, closeTimeoutMs: 60_000 });
    const { pool, clock } = clocked;
    const lease = await pool.acquire();
    const tx = await pool.begin();
    const query = new Fate(pool`select pg_sleep(0.05), 7 as seven`);
    await eventually("it runs", () => pool.stats().queries === 1);

    const closed = new Fate(pool.close());
    clock.advance(50_000);
    const rows = await query.settled as { seven: number }[];
    assertEquals(rows[0]?.seven, 7);
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
    await tx`select 1`;
    await tx.commit();
    assertEquals(tx.outcome, "committed");
    await nextTurn();
    assertEquals(closed.isSettled, false);
    await lease.release();
    await closed.settled;
    assertEquals(pool.stats().closed.shutdown, 3);
  },
);

poolTest(
  "Promise 21: close() then cancels and destroys, by its deadline",
  async (t) => {
    await using clocked = clockedWorld(t, { max: 4, closeTimeoutMs: 4_000 });
    const { pool, clock, world } = clocked;
    const [lease, tx] = [await pool.acquire(), await pool.begin()];
    const queries = [
      lease`select pg_sleep(60)`,
      tx`select pg_sleep(60)`,
      pool`select pg_sleep(60)`,
    ].map((query) => new Fate(query));
    await eventually("all run", async () => {
      const [row] = await world.admin`
      select count(*)::int as count from pg_stat_activity
      where application_name = ${world.applicationName} and state = 'active'`;
      return row?.count === 3;
    });

    const closed = new Fate(pool.close());
    clock.advance(3_499);
    await nextTurn();
    assertEquals(queries.some(({ isSettled }) => isSettled), false);
    clock.advance(1);
    // The server ends them, so that no more of the deadline is needed.
    await closed.settled;
    for (const query of queries) assertInstanceOf(await query.settled, Error);
    assertEquals(lease.signal.aborted, true);
    await eventually(
      "the server has ended them",
      async () => (await world.pids()).length === 0,
    );
    await lease.release();
    await tx[Symbol.asyncDispose]();
  },
);

poolTest(
  "Promise 21: closing twice is closing once, by the shorter deadline",
  async (t) => {
    await using clocked = clockedWorld(t, { max: 2 });
    const { pool, clock } = clocked;
    await pool.acquire();
    const closed: string[] = [];
    pool.addEventListener("closed", () => closed.push("closed"));
    const slow = new Fate(pool.close({ timeoutMs: 60_000 }));
    const quick = new Fate(pool.close({ timeoutMs: 1_000 }));
    const slowAgain = new Fate(pool.close({ timeoutMs: 90_000 }));
    await nextTurn();
    assertEquals(slow.isSettled, false);
    clock.advance(1_000);
    await Promise.all([slow.settled, quick.settled, slowAgain.settled]);
    await pool.close();
    await pool.end();
    await pool[Symbol.asyncDispose]();
    assertEquals(closed, ["closed"]);
    assertEquals(pool.stats().total, 0);
  },
);

poolTest("Promise 21: close({ force: true }) waits for nobody", async (t) => {
  await using clocked = clockedWorld(t, { max: 3 });
  const { pool } = clocked;
  const lease = await pool.acquire();
  const idle = await pool.acquire();
  await idle.release();
  const query = new Fate(pool`select pg_sleep(60)`);
  await eventually("it runs", () => pool.stats().shared === 1);
  await nextTurn();

  await pool.close({ force: true });
  assertInstanceOf(await query.settled, Error);
  assertInstanceOf(await new Fate(lease`select 1`).settled, Error);
  assertEquals(pool.stats().total, 0);
});

poolTest("Promise 21: close() gives up dials that are under way", async (t) => {
  const gate = new GatedTransport();
  await using world = poolWorld(t, { max: 3, transport: gate.connect });
  const { pool } = world;
  const waiters = [1, 2, 3].map(() => new Fate(pool.acquire()));
  await eventually("three dial", () => gate.waiting.length === 3);
  await pool.close();
  for (const waiter of waiters) {
    assertInstanceOf(await waiter.settled, PoolClosedError);
  }
  gate.openAll();
  await nextTurn();
  assertEquals(pool.stats().total, 0);
  assertEquals(pool.stats().opened, 0);
});

poolTest("Promise 21: close() ends the hold of a paused pool", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  await pool`select 1`;
  pool.pause();
  const waiter = new Fate(pool.acquire());
  await pool.close();
  assertInstanceOf(await waiter.settled, PoolClosedError);
});

poolTest(
  "Promise 21: after close() the server has no session of ours and the pool no timer",
  async (t) => {
    await using clocked = clockedWorld(t, { max: 20, min: 5 });
    const { pool, clock, world } = clocked;
    const leases = await Promise.all(
      Array.from({ length: 20 }, () => pool.acquire()),
    );
    await Promise.all(leases.map((lease) => lease`select 1`));
    for (const lease of leases.slice(0, 10)) void lease.release();
    assert(clock.armed > 0);
    const closed = pool.close();
    for (const lease of leases.slice(10)) void lease.release();
    await closed;
    assertEquals(clock.armed, 0);
    assertEquals(pool.stats().closed.shutdown, 20);
    await eventually(
      "the sessions have ended",
      async () => (await world.pids()).length === 0,
    );
  },
);

poolTest(
  "end() with null for its timeout, the driver's default, waits as close() does",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const options: { timeout?: unknown } = { timeout: null };
    const ended = pool.end(options as { timeout: undefined });
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
    await lease.release();
    await ended;
  },
);
