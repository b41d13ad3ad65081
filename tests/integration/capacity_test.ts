import { AcquireTimeoutError, ConnectError } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { clockedWorld } from "../support/clocked_pool.ts";
import { eventually } from "../support/eventually.ts";
import { Fate } from "../support/fate.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import postgres from "postgres";

/** A role that the server lets in twice at most. */
class LimitedRole implements AsyncDisposable {
  readonly username = `two_${crypto.randomUUID().slice(0, 8)}`;
  readonly password = "for-two";
  readonly #admin = postgres(worldServer.url, { max: 1, fetch_types: false });

  async create(): Promise<this> {
    const { username, password } = this;
    await this.#admin.unsafe(
      `create role ${username} login connection limit 2 password '${password}'`,
    );
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.unsafe(`drop role ${this.username}`);
    await this.#admin.end();
  }
}

poolTest(
  "Promise 18: 53300 with live connections means wait, not fail",
  async (t) => {
    await using role = await new LimitedRole().create();
    const { username, password } = role;
    await using world = poolWorld(t, { max: 5, username, password });
    const { pool } = world;
    const [first, second] = [await pool.acquire(), await pool.acquire()];
    const third = new Fate(pool.acquire());
    await eventually("it was refused", () => pool.stats().openErrors > 0);
    assertEquals(third.isSettled, false);

    const { pid } = first;
    await first.release();
    const lease = await third.settled as typeof first;
    assertEquals(lease.pid, pid);
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
    await lease.release();
    await second.release();
    assertEquals(pool.stats().acquireFailures, 0);
  },
);

poolTest("Promise 18: one-shots share what the server allows", async (t) => {
  await using role = await new LimitedRole().create();
  const { username, password } = role;
  await using world = poolWorld(t, { max: 5, username, password });
  const { pool } = world;
  const rows = await Promise.all(
    Array.from({ length: 200 }, (_, n) => pool`select ${n}::int as n`),
  );
  assertEquals(rows.map(([row]) => row?.n), rows.map((_, n) => n));
  assert((await world.pids()).length <= 2);
  assertEquals(pool.stats().acquireFailures, 0);
});

poolTest(
  "Promise 18: a server that is full until the deadline is told as the cause",
  async (t) => {
    await using role = await new LimitedRole().create();
    const { username, password } = role;
    const options = { max: 5, username, password, acquireTimeoutMs: 1_000 };
    await using clocked = clockedWorld(t, options);
    const { pool, pass } = clocked;
    const leases = [await pool.acquire(), await pool.acquire()];
    const third = new Fate(pool.acquire());
    await eventually("it was refused", () => pool.stats().openErrors > 0);
    await pass(1_000, 50);

    const error = await third.settled;
    assertInstanceOf(error, AcquireTimeoutError);
    assertInstanceOf(error.cause, ConnectError);
    assertEquals(error.cause.kind, "capacity");
    assertEquals(error.cause.sqlState, "53300");
    assertEquals(error.stats.leased, 2);
    for (const lease of leases) {
      assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
      await lease.release();
    }
  },
);

poolTest(
  "Promise 18: a place that somebody else gives up is taken",
  async (t) => {
    await using role = await new LimitedRole().create();
    const { username, password } = role;
    await using other = poolWorld(t, { max: 2, username, password });
    const leases = [await other.pool.acquire(), await other.pool.acquire()];
    await using world = poolWorld(t, { max: 5, username, password });
    const row = new Fate(world.pool`select 1 as one`);
    await eventually("refused", () => world.pool.stats().openErrors > 0);
    leases[0]!.destroy();
    await leases[1]!.release();
    assertEquals([...await row.settled as Iterable<unknown>], [{ one: 1 }]);
  },
);
