import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  AcquireTimeoutError,
  type Pool,
  type PoolEventMap,
} from "../../mod.ts";
import { Member } from "../../src/shell/member.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { clockedWorld } from "../support/clocked_pool.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

type Told = PoolEventMap["nestedacquire"];

/** Everything that can be asked of a pool, with what runs while it is held. */
const HOLDERS: Record<
  string,
  (pool: Pool, body: () => Promise<unknown>) => Promise<unknown>
> = {
  async "acquire()"(pool, body) {
    await using _lease = await pool.acquire();
    return await body();
  },
  async "acquire() and transaction()"(pool, body) {
    const lease = await pool.acquire();
    try {
      return await lease.transaction(body);
    } finally {
      await lease.release();
    }
  },
  async "a helper that used the lease"(pool, body) {
    const prepared = async () => {
      const lease = await pool.acquire();
      await lease`select 1`;
      return lease;
    };
    await using _lease = await prepared();
    return await body();
  },
  async "begin()"(pool, body) {
    await using _tx = await pool.begin();
    return await body();
  },
  "begin(fn)": (pool, body) => pool.begin(body),
  "transaction(fn)": (pool, body) => pool.transaction(body),
  "use(fn)": (pool, body) => pool.use(body),
};

const WAITERS: Record<string, (pool: Pool) => Promise<unknown>> = {
  "acquire()": (pool) => pool.acquire(),
  "reserve()": (pool) => pool.reserve(),
  "begin()": (pool) => pool.begin(),
  "transaction(fn)": (pool) => pool.transaction(() => 1),
  "use(fn)": (pool) => pool.use(() => 1),
  "a query": async (pool) => await pool`select 1`,
  "a query of unsafe()": async (pool) => await pool.unsafe("select 1"),
  "a query with limits": async (pool) =>
    await pool.with({ timeoutMs: 60_000 })`select 1`,
  "a query that is alone": async (pool) => await pool`select 1`.simple(),
};

/** Answers what a promise came to, and handles it at once. */
function outcome(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(
    () => "served",
    (error: unknown) => error,
  );
}

/** Notes what is told of those who wait for each other. */
function listen(pool: Pool): Told[] {
  const told: Told[] = [];
  pool.addEventListener("nestedacquire", (event) => told.push(event));
  return told;
}

/** Resolves once every connection is leased, and so many callers wait. */
async function waiting(pool: Pool, count: number): Promise<void> {
  await eventually(`${count} wait for what is leased`, () => {
    const { leased, max, waiting } = pool.stats();
    return leased === max && waiting === count;
  });
}

/** Two callers that hold one connection each, and wait for the other's. */
async function embrace(
  pool: Pool,
): Promise<{ readonly ends: Promise<unknown>[] }> {
  const both = Promise.withResolvers<void>();
  let holders = 0;
  const hold = async () => {
    await using _first = await pool.acquire();
    if (++holders === 2) both.resolve();
    await both.promise;
    await using _second = await pool.acquire();
  };
  const ends = [outcome(hold()), outcome(hold())];
  await waiting(pool, 2);
  return { ends };
}

for (const [name, holdIn] of Object.entries(HOLDERS)) {
  poolTest(
    `A caller that holds the only connection by ${name}, and waits for another, is told so early`,
    async (t) => {
      await using world = clockedWorld(t, { max: 1 });
      const { pool } = world;
      const told = listen(pool);
      const end = outcome(holdIn(pool, () => pool.acquire()));
      await waiting(pool, 1);
      await world.pass(999);
      assertEquals(told.length, 0);
      await world.pass(1);
      assertEquals(
        told.map(({ leases, holders }) => [leases, holders.length]),
        [
          [1, 1],
        ],
      );
      assertEquals(pool.stats().waiting, 1, "it may still be served");
      await world.pass(9_000);
      const error = await end;
      assertInstanceOf(error, AcquireTimeoutError);
      assertEquals(error.nested?.leases, 1);
      assert(
        error.message.includes(
          "1 of 1 lease is held by callers that are waiting themselves",
        ) && error.message.includes("pass the connection on"),
        error.message,
      );
      assertEquals(told.length, 1, "told once");
    },
  );
}

for (const [name, waitBy] of Object.entries(WAITERS)) {
  poolTest(
    `Who waits by ${name} where the only connection is held is told so early`,
    async (t) => {
      await using world = clockedWorld(t, { max: 1, acquireTimeoutMs: 1_000 });
      const { pool } = world;
      const told = listen(pool);
      const end = outcome(pool.use(() => waitBy(pool)));
      await waiting(pool, 1);
      await world.pass(500);
      assertEquals(told.length, 1, "after half of its time");
      await world.pass(500);
      const error = await end;
      assertInstanceOf(error, AcquireTimeoutError);
      assertEquals(error.nested?.holders.length, 1);
    },
  );
}

poolTest(
  "Callers that wait for each other are told of each, and where they are",
  async (t) => {
    await using world = clockedWorld(t, { max: 2, leakWarningMs: 3_600_000 });
    const { pool } = world;
    const told = listen(pool);
    const { ends } = await embrace(pool);
    await world.pass(10_000, 1_000);
    assertEquals(told.length, 1);
    const [{ leases, holders }] = told as [Told];
    assertEquals([leases, new Set(holders.map(({ pid }) => pid)).size], [2, 2]);
    for (const { acquiredAt, waitingAt } of holders) {
      assert(acquiredAt?.includes("nested_acquire_test.ts"), acquiredAt);
      assert(waitingAt?.includes("nested_acquire_test.ts"), waitingAt);
      assert(acquiredAt !== waitingAt);
    }
    for (const end of ends) {
      const error = await end;
      assertInstanceOf(error, AcquireTimeoutError);
      assertEquals(error.nested, { leases, holders }, "turned away together");
      assert(error.message.includes("2 of 2 leases are held"), error.message);
      assert(error.message.includes("acquired at "), error.message);
    }
  },
);

poolTest(
  "A timeout says how many of the leases are held by callers that wait, when not all are",
  async (t) => {
    await using world = clockedWorld(t, { max: 2 });
    const { pool } = world;
    const told = listen(pool);
    const free = await pool.acquire();
    const nested = outcome(pool.use(() => pool.acquire()));
    await waiting(pool, 1);
    const plain = outcome(pool.acquire({ timeoutMs: 5_000 }));
    await world.pass(5_000, 1_000);
    const error = await plain;
    assertInstanceOf(error, AcquireTimeoutError);
    assertEquals([error.nested?.leases, error.nested?.holders.length], [2, 1]);
    assert(error.message.includes("1 of 2 leases are held"), error.message);
    await free.release();
    assertEquals(await nested, "served");
    await world.pass(10_000, 1_000);
    assertEquals(told, [], "they did not wait for each other");
  },
);

poolTest(
  "Who is started beside a holder is not taken for it",
  async (t) => {
    await using world = clockedWorld(t, { max: 1 });
    const { pool } = world;
    const told = listen(pool);
    const held = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const holder = async () => {
      await using lease = await pool.acquire();
      await lease`select 1`;
      held.resolve();
      await done.promise;
    };
    const sibling = async () => {
      await held.promise;
      return await outcome(pool.acquire());
    };
    const all = Promise.all([holder(), sibling(), sibling()]);
    await waiting(pool, 2);
    await world.pass(10_000, 1_000);
    done.resolve();
    for (const error of (await all).slice(1)) {
      assertInstanceOf(error, AcquireTimeoutError);
      assertEquals(error.nested, undefined);
    }
    assertEquals(told, []);
  },
);

poolTest(
  "Who is started beside a holder of tryAcquire() is not taken for it",
  async (t) => {
    await using world = clockedWorld(t, { max: 1 });
    const { pool } = world;
    const told = listen(pool);
    await pool.ready();
    const done = Promise.withResolvers<void>();
    const job = async () => {
      await using lease = pool.tryAcquire() ?? await pool.acquire();
      await lease`select 1`;
      await done.promise;
    };
    const all = [outcome(job()), outcome(job())];
    await waiting(pool, 1);
    await world.pass(10_000, 1_000);
    done.resolve();
    const [first, second] = await Promise.all(all);
    assertEquals(first, "served");
    assertInstanceOf(second, AcquireTimeoutError);
    assertEquals([second.nested, told.length], [undefined, 0]);
  },
);

poolTest(
  "Callers that hold nothing while they wait are not told of, however many",
  async (t) => {
    await using world = clockedWorld(t, { max: 2 });
    const { pool } = world;
    const told = listen(pool);
    const ends = Array.from({ length: 20 }, async () => {
      for (let round = 0; round < 3; round++) {
        await using lease = await pool.acquire();
        await lease`select 1`;
      }
    });
    await Promise.all(ends);
    const done = Promise.withResolvers<void>();
    const stuck = Array.from(
      { length: 20 },
      () => outcome(pool.use(() => done.promise)),
    );
    await waiting(pool, 18);
    await world.pass(10_000, 1_000);
    done.resolve();
    for (const end of await Promise.all(stuck)) {
      if (end === "served") continue;
      assertInstanceOf(end, AcquireTimeoutError);
      assertEquals(end.nested, undefined);
    }
    assertEquals(told, []);
  },
);

poolTest("Who has released its lease holds it no more", async (t) => {
  await using world = clockedWorld(t, { max: 1 });
  const { pool } = world;
  const told = listen(pool);
  const done = Promise.withResolvers<void>();
  const other = async () => {
    await using _lease = await pool.acquire();
    await done.promise;
  };
  const lease = await pool.acquire();
  await lease`select 1`;
  const others = outcome(other());
  await lease.release();
  // It says nothing of who holds the connection now.
  await outcome(lease`select 1`);
  await outcome(lease[Symbol.asyncDispose]());
  const again = outcome(pool.acquire());
  await world.pass(10_000, 1_000);
  const error = await again;
  assertInstanceOf(error, AcquireTimeoutError);
  assertEquals([error.nested, told.length], [undefined, 0]);
  done.resolve();
  await others;
});

poolTest(
  "What a holder starts may outlive its lease, and waits for others then",
  async (t) => {
    await using world = clockedWorld(t, { max: 1 });
    const { pool } = world;
    const told = listen(pool);
    const done = Promise.withResolvers<void>();
    const other = outcome(pool.use(() => done.promise));
    await eventually("it is held", () => pool.stats().leased === 1);
    let started: Promise<unknown> | undefined;
    const first = outcome(pool.use(() => {
      started = outcome(pool.acquire());
    }));
    const third = outcome(pool.use(() => nextTurn()));
    await waiting(pool, 2);
    done.resolve();
    // The first goes on at once, the third holds what its child waits for.
    assertEquals(await Promise.all([other, first, third]), [
      "served",
      "served",
      "served",
    ]);
    assertEquals(await started, "served");
    await world.pass(10_000, 1_000);
    assertEquals(told, []);
  },
);

poolTest("A holder of another pool's lease is not told of", async (t) => {
  await using one = clockedWorld(t, { max: 1 });
  await using two = clockedWorld(t, { max: 1, acquireTimeoutMs: 2_000 });
  const told = [listen(one.pool), listen(two.pool)];
  const free = await two.pool.acquire();
  const end = outcome(one.pool.use(() => two.pool.acquire()));
  await waiting(two.pool, 1);
  await two.pass(2_000, 500);
  const error = await end;
  assertInstanceOf(error, AcquireTimeoutError);
  assertEquals([error.nested, told], [undefined, [[], []]]);
  await free.release();
});

poolTest(
  "A holder whose statement runs is not told of until it has ended",
  async (t) => {
    await using world = clockedWorld(t, { max: 1 });
    const { pool } = world;
    const told = listen(pool);
    await using admin = await world.world.pool.acquire();
    await admin`select pg_advisory_lock(4711)`;
    const end = outcome(pool.use(async (lease) => {
      const locked = outcome(lease`select pg_advisory_lock(4711)`);
      const inner = pool.acquire();
      await Promise.all([locked, inner]);
    }));
    await waiting(pool, 1);
    await world.pass(3_000, 1_000);
    assertEquals(told, []);
    await admin`select pg_advisory_unlock(4711)`;
    await eventually("the statement has ended", async () => {
      await world.pass(1_000);
      return told.length > 0;
    });
    await world.pass(10_000, 1_000);
    assertInstanceOf(await end, AcquireTimeoutError);
  },
);

poolTest("Who gives up is not told of any more", async (t) => {
  await using world = clockedWorld(t, { max: 1 });
  const { pool } = world;
  const told = listen(pool);
  const controller = new AbortController();
  const { signal } = controller;
  await using _lease = await pool.acquire();
  const aborted = outcome(pool.acquire({ signal }));
  const query = outcome(pool.with({ signal })`select 1`);
  const late = outcome(pool.acquire({ timeoutMs: 100 }));
  await waiting(pool, 3);
  await world.pass(49);
  controller.abort("enough");
  await world.pass(51);
  assertEquals(await Promise.all([aborted, query]), ["enough", "enough"]);
  assertInstanceOf(await late, AcquireTimeoutError);
  assertEquals(told.length, 1, "of the one that was left");
  const free = await outcome(pool.acquire({ timeoutMs: 0 }));
  assertInstanceOf(free, AcquireTimeoutError);
  assertEquals(free.nested, undefined);
});

poolTest("It is told once, and again when it is so anew", async (t) => {
  await using world = clockedWorld(t, { max: 1 });
  const { pool } = world;
  const told = listen(pool);
  const controller = new AbortController();
  await using _lease = await pool.acquire();
  const waits = [
    outcome(pool.acquire({ signal: controller.signal })),
    outcome(pool.acquire({ signal: controller.signal })),
  ];
  await world.pass(4_000, 500);
  waits.push(outcome(pool.acquire({ signal: controller.signal })));
  await world.pass(4_000, 500);
  assertEquals(told.length, 1);
  controller.abort("enough");
  await Promise.all(waits);
  const again = outcome(pool.acquire());
  await world.pass(999);
  assertEquals(told.length, 1);
  await world.pass(9_001, 500);
  assertEquals(told.length, 2);
  assertInstanceOf(await again, AcquireTimeoutError);
});

poolTest("nestedAcquire ignore watches nothing", async (t) => {
  await using world = clockedWorld(t, { max: 1, nestedAcquire: "ignore" });
  const { pool } = world;
  const told = listen(pool);
  await using _lease = await pool.acquire();
  const end = outcome(pool.acquire());
  await world.pass(10_000, 1_000);
  const error = await end;
  assertInstanceOf(error, AcquireTimeoutError);
  assertEquals([error.nested, told.length], [undefined, 0]);
  assert(!error.message.includes("themselves"), error.message);
});

poolTest("close() turns away callers that wait for each other", async (t) => {
  await using world = clockedWorld(t, { max: 2 });
  const { pool } = world;
  const { ends } = await embrace(pool);
  await pool.close();
  for (const end of await Promise.all(ends)) {
    assertEquals((end as { code: string }).code, "POOL_CLOSED");
  }
});

poolTest(
  "A connection that was opened in the scope of a lease keeps none of the earlier ones",
  async (t) => {
    await using world = poolWorld(t, { max: 3, maxUses: 1 });
    const opened: WeakRef<Member>[] = [];
    const { beginLease } = Member.prototype;
    Member.prototype.beginLease = function (now) {
      opened.push(new WeakRef(this));
      beginLease.call(this, now);
    };
    for (let round = 0; round < 20; round++) {
      await using lease = await world.pool.acquire();
      await lease`select 1`;
    }
    Member.prototype.beginLease = beginLease;
    assertEquals(opened.length, 20);
    const count = () => opened.filter((ref) => ref.deref()).length;
    await eventually("what was closed is collected", async () => {
      collectGarbage();
      await nextTurn();
      return count() <= 5;
    });
  },
);

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
