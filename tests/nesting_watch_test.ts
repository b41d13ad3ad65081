import { AcquireTimeoutError, type Pool, type PoolEventMap } from "../mod.ts";
import { assertEquals, assertInstanceOf } from "./support/assert.ts";
import { nextTurn } from "./support/eventually.ts";
import { type FakedPool, fakedPool } from "./support/faked_pool.ts";
import type { PoolOptions } from "../mod.ts";

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
      const closed = pool.close({ timeoutMs: 0, force: true });
      await nextTurn();
      clock.advance(0);
      await closed;
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
  await using world = await watched({ max: 1, nestedAcquire: "reject" });
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
  await using world = await watched({ max: 1, nestedAcquire: "reject" });
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

Deno.test("with reject who came last is turned away, and the others go on", async () => {
  await using world = await watched({
    max: 2,
    min: 2,
    acquireTimeoutMs: Infinity,
    nestedAcquire: "reject",
  });
  const { pool, told, pass } = world;
  const holders = [1, 2].map(() =>
    holding(pool, async () => {
      await nextTurn();
      await (await pool.acquire()).release();
    })
  );
  await nextTurn();
  await nextTurn();
  await pass(1_000);
  const [first, second] = await Promise.all(holders);
  assertEquals(first, "served");
  assertInstanceOf(second, AcquireTimeoutError);
  assertEquals([second.nested?.leases, second.waitedMs], [2, 1_000]);
  assertEquals(told.length, 1);
  const { requests, acquires, acquireTimeouts } = pool.stats();
  assertEquals([requests, acquires, acquireTimeouts], [4, 3, 1]);
});
