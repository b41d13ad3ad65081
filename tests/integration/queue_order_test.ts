import { assert, assertEquals, assertStrictEquals } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";
import { Random } from "../simulation/random.ts";

poolTest(
  "Promise 3: grants are first come, first served: 100 waiters, max 3, held for as long as it takes",
  async (t) => {
    await using world = poolWorld(t, { max: 3 });
    const { pool } = world;
    const random = new Random(3);
    const order: number[] = [];
    await Promise.all(Array.from({ length: 100 }, async (_, index) => {
      await using lease = await pool.acquire();
      order.push(index);
      if (random.chance(0.3)) await lease`select pg_sleep(0.001)`;
      else if (random.chance(0.5)) await nextTurn();
    }));
    assertEquals(order, order.map((_, index) => index));
  },
);

poolTest(
  "Promise 3: leases, transactions, one-shots and reserve() stand in one queue",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const order: number[] = [];
    const done: Promise<unknown>[] = [];
    for (let round = 0; round < 5; round++) {
      const base = round * 5;
      done.push(
        pool.use(() => order.push(base)),
        pool.begin(() => order.push(base + 1)),
        pool.transaction(() => order.push(base + 2)),
        pool.reserve().then((lease) => {
          order.push(base + 3);
          return lease.release();
        }),
        pool`select 1`.then(() => order.push(base + 4)),
      );
      await nextTurn(); // queries are lazy: theirs is a later microtask
    }
    assertEquals(pool.stats().waiting, 25);
    await held.release();
    await Promise.all(done);
    assertEquals(order, Array.from({ length: 25 }, (_, index) => index));
  },
);

poolTest(
  "Promise 3: a newcomer in the turn of a release does not overtake who waits",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const order: string[] = [];
    const waiting = pool.use(() => order.push("waiter"));
    void held.release();
    const newcomer = pool.use(() => order.push("newcomer"));
    assertStrictEquals(pool.tryAcquire(), undefined);
    await Promise.all([waiting, newcomer]);
    assertEquals(order, ["waiter", "newcomer"]);
  },
);

poolTest(
  "Promise 3: tryAcquire() and timeoutMs 0 do not overtake who waits for validation",
  async (t) => {
    await using world = poolWorld(t, { max: 2, validateAfterIdleMs: 0 });
    const { pool } = world;
    await Promise.all([pool.use(nextTurn), pool.use(nextTurn)]);
    assertEquals(pool.stats().idle, 2);
    await nextTurn();
    const waiting = pool.acquire();
    assertEquals(pool.stats().waiting, 1);
    assertStrictEquals(pool.tryAcquire(), undefined);
    await (await waiting).release();
  },
);

for (const max of [1, 3]) {
  poolTest(
    `Promise 3: one-shots that never pause cannot starve a lease: max ${max}`,
    async (t) => {
      await using world = poolWorld(t, { max });
      const { pool } = world;
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      let isStopped = false;
      void stopped.then(() => isStopped = true);
      let queries = 0;
      const streams = Array.from({ length: 60 }, async () => {
        while (!isStopped) {
          await pool`select 1`;
          queries++;
        }
      });
      for (let round = 0; round < 20; round++) {
        const before = queries;
        await using lease = await pool.acquire();
        // Those ahead in the queue, and those in flight: never the rest.
        assert(queries - before < 400, `${queries - before} went first`);
        assertEquals((await lease`select 1 as one`)[0]?.one, 1);
      }
      stop();
      await Promise.all(streams);
    },
  );
}

poolTest(
  "Promise 3: one-shots that come after a lease was asked for do not go first",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const order: string[] = [];
    const first = pool`select pg_sleep(0.02)`.then(() => order.push("before"));
    await nextTurn();
    const lease = pool.acquire().then((lease) => {
      order.push("lease");
      return lease.release();
    });
    const later = Array.from(
      { length: 30 },
      () => pool`select 1`.then(() => order.push("after")),
    );
    await Promise.all([first, lease, ...later]);
    assertEquals(order.slice(0, 3), ["before", "lease", "after"]);
  },
);

poolTest(
  "Promise 3: who stands behind a waiter that gave up keeps its place",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const order: number[] = [];
    const controllers = Array.from({ length: 40 }, () => new AbortController());
    const done = controllers.map(({ signal }, index) =>
      pool.use(() => order.push(index), { signal }).catch(() => undefined)
    );
    for (let index = 0; index < 40; index += 3) controllers[index]!.abort();
    await held.release();
    await Promise.all(done);
    assertEquals(
      order,
      controllers.map((_, index) => index).filter((index) => index % 3 !== 0),
    );
  },
);
