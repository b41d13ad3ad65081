import {
  LeaseReleasedError,
  type PooledConnection,
  TransactionFinishedError,
} from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

poolTest(
  "Promise 7: a lease ends once, however often and however it is released",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const ends: ((lease: PooledConnection) => unknown)[] = [
      (lease) => lease.release(),
      (lease) => lease.destroy(),
      (lease) => lease.end(),
      (lease) => lease[Symbol.asyncDispose](),
    ];
    for (const first of ends) {
      const lease = await pool.acquire();
      let released = 0;
      pool.addEventListener("release", () => released++);
      await Promise.all([first(lease), ...ends.map((end) => end(lease))]);
      for (const end of ends) await end(lease);
      assertEquals(released, 1);
      assertThrows(() => lease.detach(), LeaseReleasedError);
      // A second release would put the next owner's connection back.
      const { pid } = await pool.acquire().then(async (next) => {
        for (const end of ends) await end(lease);
        assertEquals(pool.stats().leased, 1);
        assertStrictEquals(pool.tryAcquire(), undefined);
        await next.release();
        return next;
      });
      assert(pid > 0);
      assertEquals(pool.stats().use.count, pool.stats().acquires);
    }
  },
);

poolTest(
  "Promise 7: a double release gives no connection two owners",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    const owned = new Set<number>();
    await Promise.all(Array.from({ length: 200 }, async () => {
      const lease = await pool.acquire();
      assert(!owned.has(lease.pid), "two owners of one backend");
      owned.add(lease.pid);
      await lease`select 1`;
      owned.delete(lease.pid);
      void lease.release();
      await lease.release();
      void lease.end();
      lease.destroy();
    }));
    assertEquals(pool.stats().opened <= 2, true);
  },
);

poolTest(
  "Promise 7: release() resolves when the session died, whatever was open",
  async (t) => {
    await using world = poolWorld(t, { max: 3 });
    const { pool } = world;
    for (const work of ["", "begin", "select pg_sleep(10)"]) {
      const lease = await pool.acquire();
      const running = work === ""
        ? Promise.resolve()
        : lease.unsafe(work).execute().catch(() => {});
      if (work === "begin") await running;
      const released = lease.signal;
      const killed = world.kill(lease.pid);
      await eventually("it is lost", () => released.aborted);
      await lease.release();
      await Promise.all([running, killed]);
    }
    assertEquals(pool.stats().leased, 0);
  },
);

poolTest(
  "Promise 7: release() resolves by its deadline when the session answers nothing",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(
      t,
      { max: 1, releaseTimeoutMs: 100, closeTimeoutMs: 500 },
      { through: proxy },
    );
    const { pool } = world;
    const lease = await pool.acquire();
    await lease`begin`;
    proxy.blackHole();
    await lease.release();
    assertEquals(pool.stats().leased, 0);
    proxy.release();
    proxy.cut();
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 7: the body's error stays on top when the session died",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    const own = new Error("The body's own");
    async function die(connection: PooledConnection): Promise<never> {
      const { signal } = connection;
      await world.kill(connection.pid);
      await eventually("it is lost", () => signal.aborted);
      throw own;
    }
    assertStrictEquals(
      await failure(async () => {
        await using connection = await pool.acquire();
        await die(connection);
      }),
      own,
    );
    assertStrictEquals(await failure(() => pool.use(die)), own);
    assertStrictEquals(
      await failure(async () => {
        await using connection = await pool.acquire();
        await using tx = await connection.begin();
        await using _savepoint = await tx.savepoint();
        await die(connection);
      }),
      own,
    );
    assertStrictEquals(
      await failure(async () => {
        await using connection = await pool.acquire();
        await connection.transaction(() => die(connection));
      }),
      own,
    );
  },
);

poolTest(
  "Promise 7: the body's error stays on top in every scope of a healthy session",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const own = new Error("The body's own");
    function raise(): never {
      throw own;
    }
    const bodies: (() => Promise<unknown>)[] = [
      () => pool.use(raise),
      () => pool.begin(raise),
      () => pool.transaction(raise),
      () => pool.begin((tx) => tx.savepoint(raise)),
      () => pool.use((connection) => connection.begin(raise)),
      async () => {
        await using tx = await pool.begin();
        await tx`select 1/0`.catch(() => {});
        await using _savepoint = await tx.savepoint().catch(() => undefined);
        raise();
      },
    ];
    for (const body of bodies) {
      assertStrictEquals(await failure(body), own);
      assertEquals(pool.stats().leased, 0, String(body));
    }
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 7: release() amid a scope is fine, and the scope's end does nothing more",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool.use(async (connection) => {
      await connection.release();
      await using _next = await pool.acquire();
      assertEquals(pool.stats().leased, 1);
    });
    await assertRejects(
      async () => {
        await using connection = await pool.acquire();
        await connection.release();
        await connection`select 1`;
      },
      LeaseReleasedError,
    );
    assertEquals(pool.stats().idle, 1);
  },
);

poolTest("Promise 7: a transaction ends once", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  for (
    const [end, outcome] of [
      ["commit", "committed"],
      ["rollback", "rolled back"],
    ] as const
  ) {
    await using tx = await pool.begin();
    await tx[end]();
    assertEquals(tx.outcome, outcome);
    assertEquals(pool.stats().leased, 0);
    for (const again of ["commit", "rollback"] as const) {
      const error = await assertRejects(
        () => tx[again](),
        TransactionFinishedError,
      );
      assertEquals(error.outcome, outcome);
    }
    await tx.end();
  }
});

poolTest(
  "Promise 7: detach() takes the connection out of the pool, which opens another",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const outside = lease.detach();
    assertEquals(pool.stats().total, 0);
    await assertRejects(async () => await lease`select 1`, LeaseReleasedError);
    await lease.release();
    assertEquals((await outside`select 1 as one`)[0]?.one, 1);
    await using other = await pool.acquire();
    assert(other.pid !== outside.pid);
    assertEquals(await world.pids(), [other.pid, outside.pid].sort(byNumber));
    await Promise.all([outside.release(), outside.release()]);
    assertEquals(await world.pids(), [other.pid]);
  },
);

poolTest(
  "Promise 7: a lease's signal aborts when it ends, with why",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const lease = await world.pool.acquire();
    const { signal } = lease;
    await lease.release();
    assert(signal.aborted);
    assertInstanceOf(signal.reason, LeaseReleasedError);
    assert(lease.signal.aborted, "asked for later");
  },
);

function byNumber(a: number, b: number): number {
  return a - b;
}

/** What a body rejects with. */
async function failure(body: () => Promise<unknown>): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    return error;
  }
  throw new Error("Cannot tell the failure: there was none");
}

// Each is answered before its server has ended it.
const ANSWERED_EARLY: Record<
  string,
  (lease: PooledConnection) => PromiseLike<unknown>
> = {
  "was described": (lease) => lease`select 1`.describe(),
  "could not be written": (lease) => lease`select ${Symbol() as never}::int`,
  "was a cursor whose callback threw": (lease) =>
    lease`select 1`.cursor(1, () => {
      throw new Error("Thrown by a callback");
    }),
};

for (const [what, run] of Object.entries(ANSWERED_EARLY)) {
  poolTest(
    `Promise 7: a lease whose last query ${what} gives its connection back`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const { pool } = world;
      for (let turn = 0; turn < 20; turn++) {
        const lease = await pool.acquire();
        await Promise.resolve(run(lease)).catch(() => {});
        await lease.release();
      }
      assertEquals(pool.stats().opened, 1);
    },
  );
}

poolTest(
  "destroy() of a detached connection has its server end what it runs",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const own = (await world.pool.acquire()).detach();
    own`select pg_sleep(60)`.catch(() => {});
    await nextTurn();
    own.destroy();
    // Else the pool would be closed while its end is still waited for.
    await own.release();
    await eventually(
      "the server has ended it",
      async () => (await world.pids()).length === 0,
    );
  },
);

for (const end of ["rollback", "dispose"] as const) {
  poolTest(
    `A transaction of a reserved handle that is left by ${end} after its lease ends no cursor of the next holder`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const lease = await world.pool.acquire();
      const tx = await (await lease.reserve()).begin();
      await lease.release();
      await using next = await world.pool.acquire();
      const rows = next.unsafe("select generate_series(1, 9)").cursor(2);
      let looks = 0;
      for await (const _ of rows) {
        if (looks++ > 0) continue;
        if (end === "rollback") await tx.rollback().catch(() => {});
        else await tx[Symbol.asyncDispose]();
      }
      assertEquals(looks, 5);
    },
  );
}
