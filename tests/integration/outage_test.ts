import { AcquireTimeoutError, ConnectError } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { type ClockedWorld, clockedWorld } from "../support/clocked_pool.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { Fate } from "../support/fate.ts";
import { GatedTransport } from "../support/gated_transport.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { startProxy } from "../support/proxy.ts";

const FIRST_DELAY_MS = 50;
const LAST_DELAY_MS = 5_000;

function fail(gate: GatedTransport): void {
  for (const dial of gate.waiting.splice(0)) {
    dial.fail(Object.assign(new Error("Down"), { code: "ECONNREFUSED" }));
  }
}

/** Callers who wait behind a door that is closed. */
async function outage(
  clocked: ClockedWorld,
  gate: GatedTransport,
  callers: number,
): Promise<Fate[]> {
  const { pool } = clocked;
  const fates = Array.from(
    { length: callers },
    () => new Fate(pool.use((lease) => lease`select pg_backend_pid()`)),
  );
  await eventually("the first round dials", () => gate.waiting.length === 10);
  fail(gate);
  await eventually("it has failed", () => pool.stats().connecting === 0);
  assertEquals(gate.begun, 10);
  return fates;
}

poolTest(
  "Promise 17: during an outage at most one dial probes at a time, with backoff",
  async (t) => {
    const gate = new GatedTransport();
    await using clocked = clockedWorld(t, {
      max: 10,
      acquireTimeoutMs: Infinity,
      connectTimeoutMs: 60_000,
      transport: gate.connect,
    });
    const { pool, clock } = clocked;
    const fates = await outage(clocked, gate, 50);

    for (let round = 1; round <= 12; round++) {
      const ceiling = Math.min(
        FIRST_DELAY_MS * 2 ** (round - 1),
        LAST_DELAY_MS,
      );
      assertEquals(clock.nextAt - clock.now(), ceiling / 2, `round ${round}`);
      clock.advance(ceiling / 2 - 1);
      await nextTurn();
      assertEquals(gate.waiting.length, 0, "it probed too early");
      clock.advance(1);
      await eventually("it probes", () => gate.waiting.length > 0);
      clock.advance(10_000);
      await nextTurn();
      assertEquals(gate.waiting.length, 1, "a second probe joined the first");
      assertEquals(gate.begun, 10 + round);
      fail(gate);
      await eventually("it has failed", () => pool.stats().connecting === 0);
    }
    assertEquals(pool.stats().waiting, 50);
    assertEquals(fates.some(({ isSettled }) => isSettled), false);
    gate.openAll();
    await clocked.pass(LAST_DELAY_MS, 100);
    await Promise.all(fates.map(({ settled }) => settled));
  },
);

poolTest(
  "Promise 17: the backoff is jittered between a half and all of its ceiling",
  async (t) => {
    const gate = new GatedTransport();
    await using clocked = clockedWorld(t, {
      max: 10,
      acquireTimeoutMs: Infinity,
      connectTimeoutMs: 60_000,
      transport: gate.connect,
    });
    const { pool, clock } = clocked;
    clock.chance = () => 0.5;
    const fates = await outage(clocked, gate, 10);
    assertEquals(clock.nextAt - clock.now(), 0.75 * FIRST_DELAY_MS);
    clock.chance = () => 1 - Number.EPSILON;
    clock.advance(0.75 * FIRST_DELAY_MS);
    await eventually("it probes", () => gate.waiting.length === 1);
    fail(gate);
    await eventually("it has failed", () => pool.stats().connecting === 0);
    assert(clock.nextAt - clock.now() > 1.99 * FIRST_DELAY_MS);
    assert(clock.nextAt - clock.now() <= 2 * FIRST_DELAY_MS);
    gate.openAll();
    await clocked.pass(1_000, 100);
    await Promise.all(fates.map(({ settled }) => settled));
  },
);

poolTest(
  "Promise 17: on recovery waiters are served without a stampede",
  async (t) => {
    const gate = new GatedTransport();
    await using clocked = clockedWorld(t, {
      max: 10,
      acquireTimeoutMs: Infinity,
      connectTimeoutMs: 60_000,
      transport: gate.connect,
    });
    const { pool, clock } = clocked;
    const { promise: stay, resolve: leave } = Promise.withResolvers<void>();
    const fates = Array.from(
      { length: 50 },
      () => new Fate(pool.use(() => stay)),
    );
    await eventually("the first round dials", () => gate.waiting.length === 10);
    fail(gate);
    await eventually("it has failed", () => pool.stats().connecting === 0);

    clock.advance(FIRST_DELAY_MS);
    await eventually("one probes", () => gate.waiting.length === 1);
    for (let opened = 0; opened < 10; opened++) {
      const limit = 2 ** opened;
      assert(
        gate.waiting.length <= limit,
        `${gate.waiting.length} dial at once`,
      );
      assert(pool.stats().connecting <= limit);
      gate.openNext();
      await eventually("it opened", () => pool.stats().opened === opened + 1);
      await nextTurn();
      assertEquals(pool.stats().leased, opened + 1);
    }
    assertEquals(gate.begun, 20);
    leave();
    await Promise.all(fates.map(({ settled }) => settled));
    assertEquals(pool.stats().acquires, 50);
    assertEquals(pool.stats().opened, 10);
  },
);

poolTest(
  "Promise 17: an outage becomes the cause of what times out in it",
  async (t) => {
    const gate = new GatedTransport();
    await using clocked = clockedWorld(t, {
      max: 10,
      acquireTimeoutMs: 1_000,
      transport: gate.connect,
    });
    const fates = await outage(clocked, gate, 12);
    for (let step = 0; step < 10; step++) {
      await clocked.pass(100);
      fail(gate);
      await nextTurn();
    }
    for (const { value } of fates) {
      assertInstanceOf(value, AcquireTimeoutError);
      assertEquals(value.waitedMs, 1_000);
      assertInstanceOf(value.cause, ConnectError);
      assertEquals(value.cause.kind, "refused");
    }
    assertEquals(clocked.pool.stats().acquireTimeouts, 12);
    assertEquals(clocked.pool.stats().waiting, 0);
  },
);

poolTest(
  "Promise 17: who waits through an outage is served when it ends",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await proxy.refuse();
    await using world = poolWorld(t, { max: 4 }, { through: proxy });
    const { pool } = world;
    const rows = Promise.all(
      Array.from({ length: 20 }, (_, n) => pool`select ${n}::int as n`),
    );
    await eventually("two rounds failed", () => pool.stats().openErrors >= 6);
    assertEquals(pool.stats().waiting, 20);
    await proxy.accept();
    assertEquals((await rows).length, 20);
    assert(proxy.accepted <= 4, `${proxy.accepted} connections were opened`);
  },
);

poolTest("Promise 17: a server that restarts is waited for", async (t) => {
  await using server = await startPostgres();
  await using world = poolWorld(t, { max: 3 }, { server });
  const { pool } = world;
  const leases = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  for (const lease of leases) await lease.release();

  await server.stop("fast");
  await eventually("all are lost", () => pool.stats().total === 0);
  const rows = new Fate(pool`select 1 as one`);
  await eventually("a dial failed", () => pool.stats().openErrors > 0);
  await server.start();
  assertEquals([...await rows.settled as Iterable<unknown>], [{ one: 1 }]);
  assertEquals(pool.stats().lost, 3);
});
