import {
  AcquireTimeoutError,
  ConnectionLostError,
  type Pool,
  PoolClosedError,
  type PoolOptions,
  QueryTimeoutError,
} from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { type ClockedWorld, clockedWorld } from "../support/clocked_pool.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { Fate } from "../support/fate.ts";
import { poolTest, worldServer } from "../support/pool_world.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";

const PING_MS = 1_000;
const closeTimeoutMs = 2_000;

/** Lets a deadline pass: nothing settles a millisecond before, all right at it. */
async function settlesAt(
  clocked: ClockedWorld,
  deadlineMs: number,
  fate: Fate,
): Promise<void> {
  await nextTurn();
  await clocked.pass(deadlineMs - 1, deadlineMs - 1);
  assertEquals(fate.isSettled, false, "it settled before its deadline");
  await clocked.pass(1);
  assertEquals(fate.isSettled, true, "it did not settle at its deadline");
}

/** A test on a pool whose connections go through a proxy, one of them open. */
function blackHoleTest(
  name: string,
  options: PoolOptions,
  body: (clocked: ClockedWorld, proxy: Proxy) => Promise<void>,
): void {
  poolTest(`Promise 16: ${name}`, async (t) => {
    await using proxy = await startProxy(worldServer);
    await using clocked = clockedWorld(t, { max: 1, ...options }, {
      through: proxy,
    });
    await clocked.pool`select 1`;
    try {
      await body(clocked, proxy);
    } finally {
      // The server hears of the end now, as it would by its own keep-alive.
      proxy.cut();
      await clocked.world.kill(...await clocked.world.pids());
    }
  });
}

/** The pool works again once the network does. */
async function assertRecovers(
  { pool, pass }: ClockedWorld,
  proxy: Proxy,
): Promise<void> {
  proxy.cut();
  proxy.release();
  const row = new Fate(pool`select 1 as one`);
  for (let step = 0; step < 100 && !row.isSettled; step++) {
    // A real dial takes real time: the pool's must not run out meanwhile.
    for (let turn = 0; turn < 50 && !row.isSettled; turn++) await nextTurn();
    if (!row.isSettled) await pass(100);
  }
  assertEquals([...row.value as Iterable<unknown>], [{ one: 1 }]);
}

blackHoleTest(
  "a black-holed connection costs at most its deadline, in a query",
  { queryTimeoutMs: 1_000, releaseTimeoutMs: 500 },
  async (clocked, proxy) => {
    const { pool, pass } = clocked;
    proxy.blackHole();
    const query = new Fate(pool`select 1`.execute());
    await settlesAt(clocked, 1_000, query);
    assertInstanceOf(query.value, QueryTimeoutError);
    // What the cancel request did not end is cut.
    assertEquals(pool.stats().total, 1);
    await pass(500);
    assertEquals(pool.stats().total, 0);
    await assertRecovers(clocked, proxy);
  },
);

blackHoleTest(
  "a black-holed connection costs at most its deadline, in a query with limits",
  { releaseTimeoutMs: 500 },
  async (clocked, proxy) => {
    const { pool, pass } = clocked;
    const lease = await pool.acquire();
    proxy.blackHole();
    const query = new Fate(lease.with({ timeoutMs: 300 })`select 1`.execute());
    await settlesAt(clocked, 300, query);
    assertInstanceOf(query.value, QueryTimeoutError);
    await pass(500);
    assertEquals(lease.signal.aborted, true);
    await lease.release();
    await assertRecovers(clocked, proxy);
  },
);

for (const way of ["rollback", "leave"] as const) {
  blackHoleTest(
    `a black-holed connection costs at most its deadline, in rollback (${way})`,
    { releaseTimeoutMs: 500 },
    async (clocked, proxy) => {
      const tx = await clocked.pool.begin();
      proxy.blackHole();
      const ended = new Fate(
        way === "rollback" ? tx.rollback() : tx[Symbol.asyncDispose](),
      );
      await settlesAt(clocked, 500, ended);
      assertEquals(ended.value, undefined);
      await assertRecovers(clocked, proxy);
    },
  );
}

blackHoleTest(
  "a black-holed connection costs at most its deadline, in release",
  { releaseTimeoutMs: 500 },
  async (clocked, proxy) => {
    const lease = await clocked.pool.acquire();
    await lease`begin`;
    proxy.blackHole();
    const released = new Fate(lease.release());
    await settlesAt(clocked, 500, released);
    assertEquals(released.value, undefined);
    await assertRecovers(clocked, proxy);
  },
);

blackHoleTest(
  "a black-holed connection costs at most its deadline, in reset",
  { reset: "session", releaseTimeoutMs: 500 },
  async (clocked, proxy) => {
    const lease = await clocked.pool.acquire();
    await lease`set role postgres`.catch(() => {});
    proxy.blackHole();
    const released = new Fate(lease.release());
    await settlesAt(clocked, 500, released);
    await assertRecovers(clocked, proxy);
  },
);

blackHoleTest(
  "a black-holed connection costs at most its deadline, in commit",
  { queryTimeoutMs: 1_000, releaseTimeoutMs: 500 },
  async (clocked, proxy) => {
    const tx = await clocked.pool.begin();
    await tx`select 1`;
    proxy.blackHole();
    const ended = new Fate(tx.commit());
    await settlesAt(clocked, 1_500, ended);
    assertInstanceOf(ended.value, ConnectionLostError);
    assertEquals(ended.value.phase, "commit");
    assertEquals(ended.value.sent, true);
    assertEquals(tx.outcome, "unknown");
    await assertRecovers(clocked, proxy);
  },
);

blackHoleTest(
  "a black-holed connection costs at most its deadline, in validation",
  { max: 3, acquireTimeoutMs: 20_000, idleTimeoutMs: Infinity, closeTimeoutMs },
  async (clocked, proxy) => {
    const { pool, pass, clock } = clocked;
    const leases = await Promise.all([1, 2, 3].map(() => pool.acquire()));
    for (const lease of leases) await lease.release();
    proxy.blackHole();
    // What stands is lost for good; what is dialled from now on is not.
    proxy.release();
    clock.advance(10_000);
    const began = clock.now();
    const acquired = new Fate(pool.acquire());
    for (let step = 0; step < 100 && !acquired.isSettled; step++) {
      await pass(100);
      await eventually("dials end", () => pool.stats().connecting === 0);
      await nextTurn();
    }
    const lease = acquired.value as Awaited<ReturnType<Pool["acquire"]>>;
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
    // One ping for all three; then their places are kept as long as a close may last.
    const costMs = clock.now() - began;
    assert(costMs <= PING_MS + closeTimeoutMs + 100, `It cost ${costMs} ms`);
    await lease.release();
  },
);

blackHoleTest(
  "a black-holed network costs an acquire at most its deadline",
  { max: 2, connectTimeoutMs: 400 },
  async (clocked, proxy) => {
    const { pool } = clocked;
    const held = await pool.acquire();
    proxy.blackHole();
    const acquired = new Fate(pool.acquire({ timeoutMs: 1_000 }));
    await settlesAt(clocked, 1_000, acquired);
    assertInstanceOf(acquired.value, AcquireTimeoutError);
    assertEquals(pool.stats().waiting, 0);
    assertEquals(held.signal.aborted, false);
    held.destroy();
    await assertRecovers(clocked, proxy);
  },
);

blackHoleTest(
  "a black-holed connection costs at most its deadline, in close",
  { max: 3, closeTimeoutMs: 4_000 },
  async (clocked, proxy) => {
    const { pool } = clocked;
    const [leased, inTransaction] = [await pool.acquire(), await pool.begin()];
    const queries = [
      leased`select pg_sleep(60)`,
      inTransaction`select pg_sleep(60)`,
      pool`select pg_sleep(60)`,
      pool`select pg_sleep(60)`,
    ].map((query) => new Fate(query.execute()));
    await eventually("all run", () => pool.stats().queries === 3);
    const waiter = new Fate(pool.acquire());
    proxy.blackHole();
    const closed = new Fate(pool.close());
    await nextTurn();
    assertInstanceOf(waiter.value, PoolClosedError);
    await settlesAt(clocked, 4_000, closed);
    assertEquals(closed.value, undefined);
    assertEquals(pool.stats().total, 0);
    assertEquals(queries.map(({ isSettled }) => isSettled), [
      true,
      true,
      true,
      true,
    ]);
  },
);
