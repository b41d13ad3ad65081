import type { HookName, PooledConnection, PoolEvent } from "../../mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";
import { AcquireTimeoutError, ConnectError } from "../../mod.ts";

const HOOKS: readonly HookName[] = [
  "onConnect",
  "onAcquire",
  "onRelease",
  "reset",
];

const FAULT = new Error("The hook's own fault");

/** What a hook does wrong. */
const FAULTS: Readonly<
  Record<string, (connection: PooledConnection) => void | Promise<void>>
> = {
  "throws at once"() {
    throw FAULT;
  },
  async "throws after a query"(connection) {
    await connection`select 1`;
    throw FAULT;
  },
  async "meets an error of the server"(connection) {
    await connection`select 1 / 0`;
  },
  "hangs": () => new Promise(() => {}),
  async "hangs in a query"(connection) {
    await connection`select pg_sleep(60)`;
  },
  async "leaves a transaction open"(connection) {
    await connection`begin`;
  },
  async "leaves a failed transaction"(connection) {
    await connection`begin`;
    await connection`select 1 / 0`.catch(() => {});
  },
  "leaves a query running"(connection) {
    connection`select pg_sleep(60)`.catch(() => {});
    return Promise.resolve();
  },
  async "kills the session"(connection) {
    await connection`select pg_terminate_backend(pg_backend_pid())`
      .catch(() => {});
  },
};

for (const hook of HOOKS) {
  for (const [fault, misbehave] of Object.entries(FAULTS)) {
    poolTest(
      `Promise 22: ${hook} that ${fault} costs one connection, not a slot`,
      async (t) => {
        const seen: number[] = [];
        await using world = poolWorld(t, {
          max: 2,
          connectTimeoutMs: 400,
          releaseTimeoutMs: 400,
          closeTimeoutMs: 1_000,
          async [hook](connection: PooledConnection) {
            const { pid } = connection;
            seen.push(pid);
            if (seen.length === 1) await misbehave(connection);
          },
        });
        const { pool } = world;
        const events: PoolEvent[] = [];
        pool.addEventListener("hookerror", (event) => events.push(event));

        const first = await pool.acquire();
        await first`select 1`;
        await first.release();
        // All the slots there are, and each of them good.
        const leases = await Promise.all([pool.acquire(), pool.acquire()]);
        for (const lease of leases) {
          assertEquals(lease.transactionStatus, "idle");
          assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
          assert(lease.pid !== seen[0], "the connection was lent again");
        }
        await Promise.all(leases.map((lease) => lease.release()));

        await eventually("it has gone", () => pool.stats().closing === 0);
        assertEquals(pool.stats().total, 2);
        await eventually(
          "the server agrees",
          async () => (await world.pids()).length === 2,
        );
        if (fault.startsWith("throws")) {
          const expected = { type: "hookerror" as const, hook, error: FAULT };
          assertEquals(events, [expected]);
        }
        assertEquals(events.length, 1);
      },
    );
  }
}

poolTest(
  "Promise 22: hooks that work are awaited, each in its place",
  async (t) => {
    const calls: string[] = [];
    const hook = (name: string) => async (connection: PooledConnection) => {
      calls.push(`${name} begins`);
      await connection`select 1`;
      calls.push(`${name} ends`);
    };
    await using world = poolWorld(t, {
      max: 1,
      onConnect: hook("onConnect"),
      onAcquire: hook("onAcquire"),
      onRelease: hook("onRelease"),
      reset: hook("reset"),
    });
    const { pool } = world;
    for (let round = 0; round < 2; round++) {
      await pool.use(() => void calls.push("use"));
    }
    const both = (name: string) => [`${name} begins`, `${name} ends`];
    const lease = [
      ...both("onAcquire"),
      "use",
      ...both("onRelease"),
      ...both("reset"),
    ];
    assertEquals(calls, [...both("onConnect"), ...lease, ...lease]);
  },
);

poolTest(
  "Promise 22: a handle that a hook keeps reaches no wire",
  async (t) => {
    const kept: PooledConnection[] = [];
    const keep = (connection: PooledConnection) => void kept.push(connection);
    await using world = poolWorld(t, {
      max: 1,
      onConnect: keep,
      onAcquire: keep,
      onRelease: keep,
      reset: keep,
    });
    const { pool } = world;
    await using lease = await pool.acquire();
    await lease`select 1`;
    for (const handle of kept) {
      await handle.release();
      handle.destroy();
      await assertRejects(() => handle`select 1`, Error, "released");
    }
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
    await lease.release();
    assertEquals(kept.length, 4);
  },
);

poolTest(
  "Promise 22: an onConnect that always throws is told as the cause, and the pool lives on",
  async (t) => {
    let isBroken = true;
    await using world = poolWorld(t, {
      max: 2,
      acquireTimeoutMs: 300,
      onConnect() {
        if (isBroken) throw FAULT;
      },
    });
    const { pool } = world;
    const error = await assertRejects(
      () => pool.acquire(),
      AcquireTimeoutError,
    );
    assertEquals(error.cause, FAULT);
    assert(pool.stats().openErrors > 1);
    isBroken = false;
    const row = await pool.acquire({ timeoutMs: 10_000 });
    await row.release();
  },
);

/** What cannot be made a string, or not without an error. */
const UNSPEAKABLE: Readonly<Record<string, () => unknown>> = {
  "an error whose message is a symbol": () =>
    Object.assign(new Error(), { message: Symbol("x") }),
  "an error whose message has no text": () =>
    Object.assign(new Error(), { message: Object.create(null) }),
  "an error whose message throws": () =>
    Object.defineProperty(new Error(), "message", {
      get() {
        throw new Error("Read");
      },
    }),
  "an object without a text": () => Object.create(null),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};

for (const hook of ["onConnect", "onAcquire"] as const) {
  for (const [what, make] of Object.entries(UNSPEAKABLE)) {
    poolTest(
      `Promise 22: ${hook} that throws ${what} keeps nobody waiting for ever`,
      async (t) => {
        await using world = poolWorld(t, {
          acquireTimeoutMs: 200,
          [hook]() {
            throw make();
          },
        });
        await assertRejects(() => world.pool.acquire(), AcquireTimeoutError);
      },
    );
  }
}

poolTest(
  "Promise 22: what a hook throws is never taken for its server's word",
  async (t) => {
    let calls = 0;
    await using world = poolWorld(t, {
      onConnect() {
        if (++calls === 1) throw new ConnectError("auth", "Of another pool");
      },
    });
    await using lease = await world.pool.acquire();
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
  },
);

poolTest(
  "Promise 22: a hook cannot detach the connection that it is lent",
  async (t) => {
    const told: unknown[] = [];
    const detach = (connection: PooledConnection) => {
      try {
        connection.detach();
      } catch (error) {
        told.push((error as Error).message);
      }
    };
    await using world = poolWorld(t, {
      max: 1,
      onConnect: detach,
      onAcquire: detach,
      onRelease: detach,
      reset: detach,
    });
    const { pool } = world;
    await pool.use(() => {});
    const message = "Cannot detach the connection: a hook has only a loan";
    assertEquals(told, Array(4).fill(message));
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 22: a connection that dies under an onConnect that hangs is replaced at once",
  async (t) => {
    let calls = 0;
    const begun = Promise.withResolvers<number>();
    await using world = poolWorld(t, {
      max: 1,
      onConnect({ pid }) {
        if (++calls > 1) return;
        begun.resolve(pid);
        return new Promise(() => {});
      },
    });
    const asked = world.pool.acquire({ timeoutMs: 4_000 });
    await world.kill(await begun.promise);
    await using _lease = await asked;
  },
);

for (const hook of HOOKS) {
  poolTest(
    `Promise 22: ${hook} that destroys its connection ends what it left running`,
    async (t) => {
      let calls = 0;
      await using world = poolWorld(t, {
        max: 1,
        async [hook](connection: PooledConnection) {
          if (++calls > 1) return;
          connection`select pg_sleep(60)`.catch(() => {});
          await nextTurn();
          connection.destroy();
        },
      });
      const { pool } = world;
      let lost = 0;
      pool.addEventListener("lost", () => lost++);
      for (let lease = 0; lease < 2; lease++) {
        await pool.use((connection) => connection`select 1`);
      }
      await eventually(
        "the server has ended it",
        async () => (await world.pids()).length === 1,
      );
      assertEquals(lost, 0);
    },
  );
}
