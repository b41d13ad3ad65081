import {
  AcquireTimeoutError,
  ConnectError,
  PoolClosedError,
} from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { GatedTransport } from "../support/gated_transport.ts";
import { assertBalanced, poolTest, poolWorld } from "../support/pool_world.ts";
import { Random } from "../simulation/random.ts";

poolTest(
  "Promise 1: an acquire settles by its deadline, with what it waited for",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using _held = await pool.acquire();
    const error = await assertRejects(
      () => pool.acquire({ timeoutMs: 30 }),
      AcquireTimeoutError,
      "1 leased",
    );
    assert(error.waitedMs >= 30, `waited ${error.waitedMs} ms`);
    assertEquals(error.stats.leased, 1);
    assertEquals(error.stats.max, 1);
    assertEquals(pool.stats().waiting, 0);
    assertEquals(pool.stats().acquireTimeouts, 1);
  },
);

poolTest(
  "Promise 1: the pool's own acquireTimeoutMs is the deadline of leases, transactions and one-shots",
  async (t) => {
    await using world = poolWorld(t, { max: 1, acquireTimeoutMs: 30 });
    const { pool } = world;
    await using _held = await pool.acquire();
    await Promise.all([
      assertRejects(() => pool.acquire(), AcquireTimeoutError),
      assertRejects(() => pool.begin(), AcquireTimeoutError),
      assertRejects(() => pool.use(() => 1), AcquireTimeoutError),
      assertRejects(() => pool.transaction(() => 1), AcquireTimeoutError),
      assertRejects(async () => await pool`select 1`, AcquireTimeoutError),
      assertRejects(
        async () => await pool.unsafe("select 1"),
        AcquireTimeoutError,
      ),
      assertRejects(() => pool.reserve(), AcquireTimeoutError),
    ]);
    assertEquals(pool.stats().acquireTimeouts, 7);
  },
);

poolTest("Promise 1: timeoutMs 0 takes only what is idle now", async (t) => {
  await using world = poolWorld(t, { max: 2 });
  const { pool } = world;
  await assertRejects(
    () => pool.acquire({ timeoutMs: 0 }),
    AcquireTimeoutError,
    "takes only what is idle",
  );
  assertEquals(pool.stats().total, 0, "it dialled for nobody");
  await pool.ready();
  {
    await using connection = await pool.acquire({ timeoutMs: 0 });
    assertEquals((await connection`select 1 as one`)[0]?.one, 1);
    assertStrictEquals(pool.tryAcquire(), undefined);
  }
  await using lease = pool.tryAcquire();
  assert(lease !== undefined);
});

poolTest(
  "Promise 1: an abort rejects with the signal's reason itself",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const reason = { any: "thing" };
    const aborted = AbortSignal.abort(reason);
    for (const ask of askings(pool, aborted)) {
      assertStrictEquals(await outcome(ask()), reason);
    }
    assertEquals(pool.stats().total, 0, "it dialled for nobody");
    await using _held = await pool.acquire();
    const controller = new AbortController();
    const asked = askings(pool, controller.signal).map((ask) => outcome(ask()));
    await nextTurn(); // queries are lazy
    assertEquals(pool.stats().waiting, asked.length);
    controller.abort(reason);
    assertEquals(pool.stats().waiting, 0, "in the same turn");
    for (const result of await Promise.all(asked)) {
      assertStrictEquals(result, reason);
    }
  },
);

poolTest(
  "Promise 1: whoever waits when the pool closes is told so, and so is whoever comes later",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const waiting = outcome(pool.acquire());
    const oneShot = outcome(pool`select 1`);
    const closing = pool.close();
    assertEquals(pool.stats().waiting, 0, "in the same turn");
    assertInstanceOf(await waiting, PoolClosedError);
    assertInstanceOf(await oneShot, PoolClosedError);
    await assertRejects(() => pool.acquire(), PoolClosedError);
    assertStrictEquals(pool.tryAcquire(), undefined);
    await held.release();
    await closing;
  },
);

poolTest(
  "each caller who cannot be let in is told with his own line, and with no other's",
  async (t) => {
    await using world = poolWorld(t, { max: 1, database: "there_is_no_such" });
    const { pool } = world;
    async function first(): Promise<void> {
      await pool`select 1`;
    }
    async function second(): Promise<void> {
      await pool`select 2`;
    }
    for (const ask of [first, second, first]) {
      const { stack } = await assertRejects(ask, ConnectError);
      const [place, ...others] = stack!.split("\n    at ").slice(1);
      assertMatch(place!, new RegExp(`^${ask.name} .*acquire_test`));
      assertEquals(others, []);
    }
  },
);

poolTest(
  "Promise 1: where nobody can be let in, callers are told why, long before their deadline",
  async (t) => {
    await using world = poolWorld(t, { max: 3, database: "there_is_no_such" });
    const { pool } = world;
    const errors = await Promise.all(
      Array.from(
        { length: 10 },
        () => assertRejects(() => pool.acquire(), ConnectError),
      ),
    );
    for (const error of errors) {
      assertEquals(error.sqlState, "3D000");
      assert(error.isPermanent);
      assertInstanceOf(error.cause, Error);
    }
    assertEquals(new Set(errors).size, 10, "each has one of his own");
    assertEquals(pool.stats().acquireFailures, 10);
    assertEquals(pool.stats().waiting, 0);
  },
);

poolTest(
  "Promise 1: a passing failure of the dial is the cause of the timeout",
  async (t) => {
    await using world = poolWorld(t, {
      max: 3,
      transport: () =>
        Promise.reject(
          Object.assign(new Error("no way"), { code: "ECONNREFUSED" }),
        ),
    });
    const error = await assertRejects(
      () => world.pool.acquire({ timeoutMs: 100 }),
      AcquireTimeoutError,
      "ECONNREFUSED",
    );
    assertInstanceOf(error.cause, ConnectError);
  },
);

poolTest(
  "Promise 1: 300 acquires that time out, give up or are granted settle once each",
  async (t) => {
    await using world = poolWorld(t, { max: 4 });
    const { pool } = world;
    const random = new Random(20260101);
    const settled = new Array<number>(300).fill(0);
    const fates = { granted: 0, timeout: 0, aborted: 0 };
    await Promise.all(settled.map(async (_, index) => {
      const controller = new AbortController();
      const timeoutMs = random.chance(0.5) ? random.below(20) : 5_000;
      const holdMs = random.below(3);
      const abortMs = random.chance(0.3) ? random.below(25) : undefined;
      const timer = abortMs === undefined
        ? undefined
        : setTimeout(() => controller.abort(index), abortMs);
      const asked = pool.acquire({ timeoutMs, signal: controller.signal });
      asked.then(() => settled[index]!++, () => settled[index]!++);
      try {
        await using _lease = await asked;
        fates.granted++;
        await new Promise((resolve) => setTimeout(resolve, holdMs));
      } catch (error) {
        if (error instanceof AcquireTimeoutError) fates.timeout++;
        else assertStrictEquals(error, index), fates.aborted++;
      } finally {
        clearTimeout(timer);
      }
    }));
    assertEquals(settled, settled.map(() => 1));
    const { acquires, acquireTimeouts, acquireAborts } = pool.stats();
    assertEquals(
      { granted: acquires, timeout: acquireTimeouts, aborted: acquireAborts },
      fates,
    );
    assert(fates.granted > 0 && fates.timeout > 0 && fates.aborted > 0);
    assertBalanced(pool);
  },
);

poolTest(
  "Promise 2: a waiter that timed out or gave up is never granted; the next one is",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const controller = new AbortController();
    const late = outcome(pool.acquire({ timeoutMs: 10 }));
    const gone = outcome(pool.acquire({ signal: controller.signal }));
    const next = pool.acquire();
    assertInstanceOf(await late, AcquireTimeoutError);
    assertEquals(pool.stats().waiting, 2);
    controller.abort("gone");
    assertEquals(pool.stats().waiting, 1, "in the same turn");
    assertEquals(await gone, "gone");
    await held.release();
    await using lease = await next;
    assertEquals(pool.stats().acquires, 2);
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 2: a hand-off and then an abort in the same turn: the caller has the lease",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const { pid } = held;
    const controller = new AbortController();
    const asked = pool.acquire({ signal: controller.signal });
    void held.release();
    controller.abort("too late");
    await using lease = await asked;
    assertEquals(lease.pid, pid);
    assertEquals(pool.stats().leased, 1);
    assertEquals(lease.signal.aborted, false);
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 2: an abort and then a hand-off in the same turn: the next caller has the lease",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const controller = new AbortController();
    const gone = outcome(pool.acquire({ signal: controller.signal }));
    const next = pool.acquire();
    controller.abort("gone");
    void held.release();
    assertEquals(await gone, "gone");
    await using _lease = await next;
    assertEquals(pool.stats().leased, 1);
    assertEquals(pool.stats().waiting, 0);
  },
);

poolTest(
  "Promise 2: 500 hand-offs that race an abort leave each connection with exactly one owner",
  async (t) => {
    await using world = poolWorld(t, { max: 3 });
    const { pool } = world;
    const warm = await allOf(pool, 3);
    const random = new Random(77);
    const owned = new Set<number>();
    const aborts: Promise<void>[] = [];
    const storm = Promise.all(Array.from({ length: 500 }, async () => {
      const controller = new AbortController();
      const asked = pool.acquire({ signal: controller.signal });
      aborts.push(
        abortAfter(controller, random.below(12), random.below(40)),
      );
      const lease = await asked.catch((error) => {
        assertEquals(error, "gone");
      });
      if (lease === undefined) return;
      assert(!owned.has(lease.pid), "two owners of one backend");
      owned.add(lease.pid);
      if (random.chance(0.1)) await lease`select 1`;
      else if (random.chance(0.5)) await undefined;
      owned.delete(lease.pid);
      void lease.release();
    }));
    await warm[Symbol.asyncDispose]();
    await storm;
    await Promise.all(aborts);
    const { leased, waiting, acquires, acquireAborts } = pool.stats();
    assertEquals({ leased, waiting }, { leased: 0, waiting: 0 });
    assertEquals(acquires - 3 + acquireAborts, 500);
    assert(acquires > 50 && acquireAborts > 50, `${acquires} were granted`);
  },
);

poolTest(
  "Promise 2: an abort while the connection is being validated leaves it to the next caller",
  async (t) => {
    await using world = poolWorld(t, { max: 1, validateAfterIdleMs: 0 });
    const { pool } = world;
    const [pid] = await pool.use((connection) => [connection.pid]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const controller = new AbortController();
    const gone = outcome(pool.acquire({ signal: controller.signal }));
    const next = pool.acquire();
    controller.abort("gone");
    assertEquals(await gone, "gone");
    await using lease = await next;
    assertEquals(lease.pid, pid);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 2: an abort while onAcquire runs leaves the connection to the next caller",
  async (t) => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    await using world = poolWorld(t, { max: 1, onAcquire: () => gate });
    const { pool } = world;
    await pool.ready();
    const controller = new AbortController();
    const gone = outcome(pool.acquire({ signal: controller.signal }));
    await nextTurn();
    controller.abort("gone");
    assertEquals(await gone, "gone");
    const next = pool.acquire();
    open();
    await using _lease = await next;
    assertEquals(pool.stats().opened, 1);
    assertEquals(pool.stats().leased, 1);
  },
);

poolTest(
  "Promise 2: an abort during the dial leaves the connection to the pool",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, { max: 1, transport: gate.connect });
    const { pool } = world;
    const controller = new AbortController();
    const gone = outcome(pool.acquire({ signal: controller.signal }));
    await eventually("a dial began", () => gate.waiting.length === 1);
    controller.abort("gone");
    assertEquals(await gone, "gone");
    gate.openAll();
    await eventually("it is idle", () => pool.stats().idle === 1);
    assertEquals(await world.pids().then((pids) => pids.length), 1);
  },
);

poolTest(
  "Promise 1: a listener that aborts everybody else's signal amid a grant breaks nothing",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const controller = new AbortController();
    const first = pool.acquire({ signal: controller.signal });
    const others = Array.from(
      { length: 5 },
      () => outcome(pool.acquire({ signal: controller.signal })),
    );
    pool.addEventListener("release", () => controller.abort("all"));
    await held.release();
    await using _lease = await first;
    assertEquals(await Promise.all(others), others.map(() => "all"));
  },
);

poolTest(
  "Promise 28: an abort after the deadline, before any timer could ring, is counted once",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using _held = await pool.acquire();
    const controller = new AbortController();
    const { signal } = controller;
    const lease = outcome(pool.acquire({ signal, timeoutMs: 5 }));
    const oneShot = outcome(pool.with({ signal, timeoutMs: 5 })`select 1`);
    await undefined;
    await undefined;
    assertEquals(pool.stats().waiting, 2);
    block(10);
    controller.abort("gone");
    assertBalanced(pool);
    assertEquals(pool.stats().waiting, 0);
    assertInstanceOf(await lease, AcquireTimeoutError);
    assertInstanceOf(await oneShot, AcquireTimeoutError);
  },
);

type Asking = () => PromiseLike<unknown>;

/** Lets time pass without letting anything else happen. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Every way to ask for a connection that takes a signal. */
function askings(
  pool: ReturnType<typeof poolWorld>["pool"],
  signal: AbortSignal,
): Asking[] {
  return [
    () => pool.acquire({ signal }),
    () => pool.begin({ signal }),
    () => pool.use(() => 1, { signal }),
    () => pool.transaction(() => 1, { signal }),
    () => pool.with({ signal })`select 1`,
    () => pool.with({ signal }).unsafe("select 1"),
  ];
}

/** Aborts so many turns and microtasks from now: before, amid or after a grant. */
async function abortAfter(
  controller: AbortController,
  turns: number,
  microtasks: number,
): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
  for (let task = 0; task < microtasks; task++) await undefined;
  controller.abort("gone");
}

/** Leases as many as there may be, to be released together. */
async function allOf(
  pool: ReturnType<typeof poolWorld>["pool"],
  count: number,
): Promise<AsyncDisposable> {
  const leases = await Promise.all(
    Array.from({ length: count }, () => pool.acquire()),
  );
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(leases.map((lease) => lease.release()));
    },
  };
}

/** What it rejected with, or what it answered. */
async function outcome(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error;
  }
}
