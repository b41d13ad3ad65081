import { assert, assertEquals } from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
  worldServer,
} from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";
import { Random } from "../simulation/random.ts";

/** Watches the server, as fast as it answers, for more sessions than there may be. */
class SessionWatch {
  /** Most sessions at once, without those that were killed on purpose. */
  most = 0;
  looks = 0;
  readonly killed = new Set<number>();
  #isStopped = false;
  readonly #watching: Promise<void>;

  constructor(world: PoolWorld) {
    this.#watching = this.#watch(world);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#watching;
  }

  async #watch(world: PoolWorld): Promise<void> {
    while (!this.#isStopped) {
      const pids = await world.pids();
      const known = pids.filter((pid) => !this.killed.has(pid));
      this.most = Math.max(this.most, known.length);
      this.looks++;
    }
  }
}

poolTest(
  "Promise 5: open + connecting + closing never exceed max, and the server agrees: 200 callers, max 7, connections destroyed and expired all the time",
  async (t) => {
    await using world = poolWorld(t, { max: 7, maxUses: 5, maxLifetimeMs: 50 });
    const { pool } = world;
    const watch = new SessionWatch(world);
    const random = new Random(5);
    let most = 0;
    await Promise.all(Array.from({ length: 200 }, async () => {
      for (let round = 0; round < 4; round++) {
        const lease = await pool.acquire();
        most = Math.max(most, pool.stats().total);
        const die = random.next();
        if (die < 0.5) await lease`select 1`;
        if (die < 0.1) void lease`select pg_sleep(10)`.catch(() => {});
        if (die < 0.05) await nextTurn();
        if (die < 0.2) lease.destroy();
        else await lease.release();
        most = Math.max(most, pool.stats().total);
      }
    }));
    await watch.stop();
    assertEquals(most, 7);
    assert(watch.most <= 7, `the server saw ${watch.most}`);
    assert(watch.looks > 10, `looked ${watch.looks} times only`);
    const { closed } = pool.stats();
    assert(closed.destroyed > 20 && closed.maxUses > 0);
  },
);

poolTest(
  "Promise 5: the same with backends killed all the time, one-shots and leases",
  async (t) => {
    await using world = poolWorld(t, { max: 7 });
    const { pool } = world;
    const watch = new SessionWatch(world);
    const random = new Random(55);
    let most = 0;
    let isDone = false;
    const killer = (async () => {
      while (!isDone) {
        const [pid] = await world.pids();
        if (pid === undefined) continue;
        watch.killed.add(pid);
        await world.kill(pid);
      }
    })();
    await Promise.all(Array.from({ length: 200 }, async () => {
      for (let round = 0; round < 4; round++) {
        if (random.chance(0.5)) {
          await pool`select pg_sleep(0.001)`.catch(() => {});
        } else {
          await pool.use((connection) => connection`select 1`).catch(() => {});
        }
        most = Math.max(most, pool.stats().total);
      }
    }));
    isDone = true;
    await Promise.all([killer, watch.stop()]);
    assert(most <= 7, `the pool counted ${most}`);
    assert(watch.most <= 7, `the server saw ${watch.most}`);
    assert(pool.stats().lost > 0, "nothing was killed");
  },
);

poolTest(
  "Promise 5: a server that lets in no more than max never refuses us",
  async (t) => {
    await using world = poolWorld(t, { max: 7, maxUses: 3 });
    const { admin, applicationName } = world;
    const role = `limited_${crypto.randomUUID().slice(0, 8)}`;
    // Superusers have no limit.
    await admin.unsafe(`create role ${role} login connection limit 7`);
    try {
      const url = worldServer.urlFor({ username: role, applicationName });
      const limited = poolWorld(t, { max: 7, maxUses: 3 }, {
        through: { urlOf: () => url },
      });
      {
        await using _world = limited;
        await Promise.all(Array.from({ length: 200 }, async (_, index) => {
          const lease = await limited.pool.acquire();
          await lease`select 1`;
          if (index % 4 === 0) lease.destroy();
          else await lease.release();
        }));
        assertEquals(limited.pool.stats().openErrors, 0);
        assert(limited.pool.stats().opened > 30);
      }
    } finally {
      await admin.unsafe(`drop role ${role}`);
    }
  },
);

poolTest(
  "Promise 5: a connection that the server is slow to close counts until it has",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    const first = await pool.acquire();
    await first`select 1`;
    proxy.hold("requests"); // the goodbye does not arrive
    first.destroy();
    const next = pool.acquire();
    await nextTurn();
    assertEquals(pool.stats().closing, 1);
    assertEquals(pool.stats().connecting, 0);
    proxy.release();
    await using lease = await next;
    assert(lease.pid !== first.pid);
  },
);

poolTest(
  "Promise 5: resize() downwards keeps what is leased and closes it when it comes back",
  async (t) => {
    await using world = poolWorld(t, { max: 6 });
    const { pool } = world;
    const leases = await Promise.all(
      Array.from({ length: 6 }, () => pool.acquire()),
    );
    pool.resize({ max: 2 });
    assertEquals(pool.stats().leased, 6);
    const waiting = pool.acquire();
    for (const lease of leases) {
      assertEquals((await lease`select 1 as one`)[0]?.one, 1);
      await lease.release();
    }
    await (await waiting).release();
    await eventually("two are left", () => pool.stats().total === 2);
    await eventually(
      "on the server",
      async () => (await world.pids()).length === 2,
    );
    await Promise.all(
      Array.from(
        { length: 20 },
        () => pool.use((connection) => connection`select 1`),
      ),
    );
    assertEquals(pool.stats().total, 2);
  },
);

poolTest("Promise 5: max 1 serves 100 callers with one session", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  const pids = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      if (index % 2 === 0) return await pool.use(({ pid }) => pid);
      return Number((await pool`select pg_backend_pid() as pid`)[0]?.pid);
    }),
  );
  assertEquals(new Set(pids).size, 1);
  assertEquals(pool.stats().opened, 1);
});
