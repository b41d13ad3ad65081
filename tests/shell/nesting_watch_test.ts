import {
  AcquireTimeoutError,
  type Pool,
  type PooledConnection,
  type PoolEventMap,
} from "../../mod.ts";
import { assertEquals, assertInstanceOf } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { type FakedPool, fakedPool } from "../support/faked_pool.ts";
import { closeAtOnce } from "../support/manual_clock.ts";
import type { PoolOptions } from "../../mod.ts";

type Told = PoolEventMap["nestedacquire"];

/** A full pool without a network, and what it tells. */
interface Watched extends FakedPool, AsyncDisposable {
  readonly told: readonly Told[];
  /** Moves on by `ms`, and lets everybody react. */
  pass(ms: number): Promise<void>;
}

async function watched(options: PoolOptions): Promise<Watched> {
  const faked = fakedPool({ ...options, validateAfterIdleMs: Infinity });
  const { pool, clock } = faked;
  const told: Told[] = [];
  pool.addEventListener("nestedacquire", (event) => told.push(event));
  await pool.ready();
  return {
    ...faked,
    told,
    async pass(ms) {
      clock.advance(ms);
      await nextTurn();
    },
    async [Symbol.asyncDispose]() {
      await closeAtOnce(pool, clock);
      assertEquals(clock.armed, 0, "a timer is left");
    },
  };
}

function outcome(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(() => "served", (error) => error);
}

/** Holds a lease in a flow of its own, until `body` is done. */
function holding(pool: Pool, body: () => unknown): Promise<unknown> {
  return outcome(pool.use(async () => void await body()));
}

Deno.test("callers are told of when each holds a lease and waits for another, and not before", async () => {
  await using world = await watched({ max: 2, min: 2 });
  const { pool, told, pass } = world;
  const free = Promise.withResolvers<void>();
  const holders = [
    holding(pool, () => pool.acquire()),
    holding(pool, async () => (await free.promise, await pool.acquire())),
  ];
  await nextTurn();
  await pass(2_000);
  assertEquals(told.length, 0, "one of them does not wait");
  await pass(500);
  free.resolve();
  await nextTurn();
  await pass(999);
  assertEquals(told.length, 0, "it may pass");
  await pass(1);
  assertEquals(told.map(({ leases, holders }) => [leases, holders.length]), [
    [2, 2],
  ]);
  await pass(10_000);
  for (const end of await Promise.all(holders)) {
    assertInstanceOf(end, AcquireTimeoutError);
  }
});

Deno.test("who gave up waiting is told of no more, when others still wait", async () => {
  await using world = await watched({ max: 2, min: 2 });
  const { pool, pass } = world;
  const controller = new AbortController();
  const { signal } = controller;
  const done = Promise.withResolvers<void>();
  const gaveUp = holding(pool, async () => {
    await outcome(pool.acquire({ signal }));
    await done.promise;
  });
  let late: unknown;
  const waits = holding(pool, async () => late = await outcome(pool.acquire()));
  await nextTurn();
  controller.abort("enough");
  await nextTurn();
  await pass(10_000);
  assertEquals(await waits, "served");
  assertInstanceOf(late, AcquireTimeoutError);
  assertEquals([late.nested?.leases, late.nested?.holders.length], [2, 1]);
  done.resolve();
  assertEquals(await gaveUp, "served");
});

Deno.test("who has given its lease back waits like anybody", async () => {
  await using world = await watched({ max: 1 });
  const { pool, told, pass } = world;
  const done = Promise.withResolvers<void>();
  const before = (async () => {
    {
      await using _lease = await pool.acquire();
    }
    const other = holding(pool, () => done.promise);
    const late = await outcome(pool.acquire());
    done.resolve();
    await other;
    return late;
  })();
  await nextTurn();
  await pass(10_000);
  const late = await before;
  assertInstanceOf(late, AcquireTimeoutError);
  assertEquals([late.nested, told.length], [undefined, 0]);
});

Deno.test("callers do not wait for each other while another connection may be opened", async () => {
  await using world = await watched({ max: 2 });
  const { pool, told, driver, pass } = world;
  driver.dial = () => new Promise(() => {});
  const end = holding(pool, () => pool.acquire());
  await nextTurn();
  await pass(2_000);
  assertEquals([pool.stats().connecting, told.length], [1, 0]);
  await pass(8_000);
  assertInstanceOf(await end, AcquireTimeoutError);
});

Deno.test("who waits no more is counted no more", async () => {
  await using world = await watched({ max: 1 });
  const { pool, told, pass } = world;
  const controller = new AbortController();
  const { signal } = controller;
  const done = Promise.withResolvers<void>();
  const end = holding(pool, async () => {
    await outcome(pool.acquire({ signal }));
    await outcome(pool.acquire({ timeoutMs: 100 }));
    await done.promise;
  });
  await nextTurn();
  await pass(10);
  controller.abort();
  await nextTurn();
  await pass(100);
  assertEquals(told.length, 1, "of the second, after half of its time");
  await pass(2_000);
  const plain = await outcome(pool.acquire({ timeoutMs: 0 }));
  assertInstanceOf(plain, AcquireTimeoutError);
  assertEquals(plain.nested, undefined);
  done.resolve();
  assertEquals([await end, told.length], ["served", 1]);
});

Deno.test("who waits is not counted for a lease that has ended, nor for the next one", async () => {
  await using world = await watched({ max: 1 });
  const { pool, told, pass } = world;
  let child: Promise<unknown> | undefined;
  const done = Promise.withResolvers<void>();
  const first = holding(pool, () => void (child = outcome(pool.acquire())));
  const next = holding(pool, () => done.promise);
  assertEquals(await first, "served");
  await nextTurn();
  await pass(10_000);
  const error = await child;
  assertInstanceOf(error, AcquireTimeoutError);
  assertEquals([error.nested, told.length], [undefined, 0]);
  done.resolve();
  assertEquals(await next, "served");
});

Deno.test("a holder that runs a statement does more than wait", async () => {
  await using world = await watched({ max: 1 });
  const { pool, told, pass } = world;
  let child: Promise<unknown> | undefined;
  const end = outcome(pool.use(async (lease) => {
    child = outcome(pool.acquire());
    await lease`select pg_sleep(3)`;
  }));
  await nextTurn();
  await pass(3_000);
  assertEquals([pool.stats().waiting, told.length], [1, 0]);
  for (const session of world.driver.sessions) session.answer("ok");
  assertEquals([await end, await child], ["served", "served"]);
});

Deno.test("who had a lease at once is not told from who else runs in that turn", async () => {
  await using world = await watched({ max: 1 });
  const { pool, told, pass } = world;
  const done = Promise.withResolvers<void>();
  const job = async () => {
    await using lease = pool.tryAcquire() ?? await pool.acquire();
    await lease`select 1`;
    await done.promise;
  };
  const jobs = [outcome(job()), outcome(job())];
  await nextTurn();
  await pass(2_000);
  done.resolve();
  assertEquals(await Promise.all(jobs), ["served", "served"]);
  assertEquals(told, []);
});

Deno.test("a pool that hands its leases out in turn does not wait for itself", async () => {
  await using world = await watched({ max: 2, min: 2 });
  const { pool, told, pass } = world;
  const done = Promise.withResolvers<void>();
  const run = async (lease: PooledConnection) => {
    try {
      await lease`select 1`;
      await done.promise;
    } finally {
      await lease.release();
    }
  };
  const jobs: Promise<void>[] = [];
  const loop = (async () => {
    for (let job = 0; job < 3; job++) jobs.push(run(await pool.acquire()));
  })();
  await nextTurn();
  await pass(5_000);
  assertEquals([pool.stats().waiting, told.length], [1, 0]);
  done.resolve();
  await loop;
  await Promise.all(jobs);
});

Deno.test("callers that get stuck because the pool became smaller are told of", async () => {
  await using world = await watched({ max: 2, min: 2 });
  const { pool, told, pass } = world;
  const other = await pool.acquire();
  const end = holding(pool, () => pool.acquire());
  await nextTurn();
  await pass(1_000);
  pool.resize({ min: 0, max: 1 });
  await other.release();
  await pass(1_000);
  assertEquals(told.length, 0, "it may pass");
  await pass(1_000);
  assertEquals(told.map(({ leases }) => leases), [1]);
  await pass(7_000);
  assertInstanceOf(await end, AcquireTimeoutError);
});
