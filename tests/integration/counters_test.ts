import {
  AcquireTimeoutError,
  type Pool,
  PoolError,
  QueryTimeoutError,
} from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import {
  assertBalanced,
  poolTest,
  type PoolWorld,
  poolWorld,
} from "../support/pool_world.ts";
import { Random } from "../simulation/random.ts";

/** Asserts what must hold of a pool's stats at any moment. */
function assertSound(pool: Pool): void {
  const stats = pool.stats();
  const { idle, leased, shared, connecting, closing, total, max } = stats;
  assertEquals(idle + leased + shared + connecting + closing, total);
  assert(total <= max, `${total} connections, max ${max}`);
  assertBalanced(pool);
}

/** One caller of a storm: does what chance says. */
class Caller {
  readonly #world: PoolWorld;
  readonly #random: Random;
  /** What went wrong that was nobody's wish. */
  readonly surprises: unknown[] = [];

  constructor(world: PoolWorld, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  async act(): Promise<void> {
    const { pool } = this.#world;
    const signal = this.#random.chance(0.3) ? this.#signal() : undefined;
    const timeoutMs = this.#random.chance(0.2)
      ? this.#random.below(15)
      : undefined;
    const limits = {
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    try {
      await this.#use(pool, limits);
    } catch (error) {
      const isWished = error === "gone" || error instanceof PoolError ||
        error instanceof pool.PostgresError;
      if (!isWished) this.surprises.push(error);
    }
    assertSound(pool);
  }

  #signal(): AbortSignal {
    const controller = new AbortController();
    const turns = this.#random.below(20);
    void (async () => {
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      controller.abort("gone");
    })();
    return controller.signal;
  }

  async #use(
    pool: Pool,
    limits: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<void> {
    const seconds = this.#random.below(5) / 1_000;
    switch (this.#random.below(8)) {
      case 0:
        await pool.use((lease) => lease`select pg_sleep(${seconds})`, limits);
        break;
      case 1:
        await pool.with(limits)`select pg_sleep(${seconds})`;
        break;
      case 2:
        await pool`select 1/${this.#random.below(2)}::int`;
        break;
      case 3:
        await pool.unsafe("select 1; select 2");
        break;
      case 4:
        await pool.transaction((tx) => tx`select 1`, limits);
        break;
      case 5: {
        const lease = await pool.acquire(limits);
        lease.destroy();
        await lease.release();
        break;
      }
      case 6: {
        await using lease = await pool.acquire(limits);
        await lease`begin`;
        await lease`select pg_terminate_backend(pg_backend_pid())`;
        break;
      }
      default:
        for await (
          const _rows of pool`select generate_series(1, 5)`.cursor(2)
        ) break;
    }
  }
}

for (const seed of [1, 2, 3, 4]) {
  poolTest(
    `Promise 28: counters are conserved after a random storm: seed ${seed}`,
    async (t) => {
      const random = new Random(seed);
      await using world = poolWorld(t, {
        max: 1 + random.below(6),
        reset: random.chance(0.5) ? "session" : "rollback",
        validateAfterIdleMs: random.below(3),
        maxUses: random.chance(0.5) ? 5 : Infinity,
        maxLifetimeMs: random.chance(0.5) ? 50 : 1_800_000,
      });
      const { pool } = world;
      const callers = Array.from(
        { length: 40 },
        () => new Caller(world, random),
      );
      await Promise.all(callers.map(async (caller) => {
        for (let round = 0; round < 6; round++) await caller.act();
      }));
      // Aborts that are still to come hit nobody any more.
      for (let turn = 0; turn < 25; turn++) await nextTurn();
      assertEquals(callers.flatMap(({ surprises }) => surprises), []);
      const stats = pool.stats();
      assertEquals(stats.waiting, 0);
      assertEquals(stats.leased + stats.shared, 0);
      assert(stats.use.count <= stats.acquires);
      assertEquals(
        stats.wait.count,
        stats.acquires + stats.queries + stats.resent,
      );
      await pool.close();
      const end = pool.stats();
      const closed = Object.values(end.closed).reduce((sum, n) => sum + n, 0);
      assertEquals(closed + end.lost, end.opened);
    },
  );
}

poolTest(
  "Promise 28: each kind of request is counted once, as what became of it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`select 1`;
    await pool.use(() => {});
    await pool.begin(() => {});
    assert(pool.tryAcquire()?.destroy() === undefined);
    const held = await pool.acquire();
    const refusals: unknown[] = [];
    pool.addEventListener("acquireerror", (event) => refusals.push(event));
    const before = pool.stats().requests;
    assertEquals(pool.tryAcquire(), undefined);
    await nextTurn();
    assertEquals(pool.stats().requests, before, "nobody asked to wait");
    assertEquals(refusals, []);
    const controller = new AbortController();
    const { signal } = controller;
    const gone = [
      pool.acquire({ signal }).catch((error) => error),
      pool.with({ signal })`select 1`.catch((error) => error),
    ];
    const late = [
      pool.acquire({ timeoutMs: 5 }).catch((error) => error),
      pool.with({ timeoutMs: 5 })`select 1`.catch((error) => error),
    ];
    await nextTurn();
    assertSound(pool);
    controller.abort("gone");
    assertEquals(await Promise.all(gone), ["gone", "gone"]);
    for (const error of await Promise.all(late)) {
      assert(
        error instanceof AcquireTimeoutError ||
          error instanceof QueryTimeoutError,
      );
    }
    const closing = pool.close();
    assertInstanceOf(await pool.acquire().catch((error) => error), PoolError);
    await held.release();
    await closing;
    const { requests, acquires, queries, acquireClosed, waiting } = pool
      .stats();
    const { acquireTimeouts, acquireAborts } = pool.stats();
    assertEquals(
      { requests, acquires, queries, acquireClosed, waiting },
      { requests: 10, acquires: 4, queries: 1, acquireClosed: 1, waiting: 0 },
    );
    // A query whose time is up while it waits gave up, or was turned away.
    assertEquals(acquireTimeouts + acquireAborts, 4);
  },
);

poolTest("Promise 28: stats() is frozen, and one picture", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const stats = world.pool.stats();
  assert(Object.isFrozen(stats) && Object.isFrozen(stats.closed));
  await world.pool`select 1`;
  assertEquals(stats.queries, 0);
});

poolTest(
  "Promise 28: acquire and release are told of leases, in pairs; of one-shots, neither",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    const told: string[] = [];
    pool.addEventListener("acquire", ({ pid }) => told.push(`acquire ${pid}`));
    pool.addEventListener("release", ({ pid }) => told.push(`release ${pid}`));
    await Promise.all(Array.from({ length: 20 }, () => pool`select 1`));
    assertEquals(told, []);
    const pids = [
      await pool.use(({ pid }) => pid),
      await pool.transaction(async (tx) => {
        const [row] = await tx`select pg_backend_pid() as pid`;
        return Number(row?.pid);
      }),
    ];
    const lease = await pool.acquire();
    lease.destroy();
    pids.push(lease.pid);
    assertEquals(
      told,
      pids.flatMap((pid) => [`acquire ${pid}`, `release ${pid}`]),
    );
  },
);
