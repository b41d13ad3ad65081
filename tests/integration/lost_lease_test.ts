import {
  ConnectionLostError,
  type PooledConnection,
  PoolError,
  TransactionFinishedError,
} from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { makeTable } from "../support/number_table.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
  worldServer,
} from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

/** Kills the session of a lease and waits until the pool has heard of it. */
async function kill(world: PoolWorld, lease: PooledConnection): Promise<void> {
  const { signal } = lease;
  await world.kill(lease.pid);
  await eventually("the loss is known", () => signal.aborted);
}

poolTest(
  "Promise 10: once a lease is lost every later call rejects with CONNECTION_LOST, its signal with the same",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await using table = await makeTable(world);
    await using lease = await pool.acquire();
    await kill(world, lease);
    const insert = `insert into ${table.name} values (1)`;
    const calls: (() => unknown)[] = [
      () => lease.unsafe(insert),
      () => lease`insert into ${lease(table.name)} values (1)`,
      () => lease.unsafe(insert).simple(),
      () => lease.unsafe(insert).cursor(1, () => {}),
      () => lease.with({ timeoutMs: 1_000 }).unsafe(insert),
      () => lease.begin(),
      () => lease.begin((tx) => tx.unsafe(insert)),
      () => lease.transaction((tx) => tx.unsafe(insert)),
      () => lease.notify("x", "y"),
      () => lease`copy ${lease(table.name)} from stdin`.writable(),
      () => lease.reserve(),
    ];
    for (const call of calls) {
      const error = await assertRejects(
        async () => await call(),
        ConnectionLostError,
      );
      assertEquals(error.code, "CONNECTION_LOST");
      assertEquals(error.sent, false, String(call));
      assertEquals(error.sqlState, "57P01");
    }
    assertInstanceOf(lease.signal.reason, ConnectionLostError);
    assertEquals(lease.signal.reason.sqlState, "57P01");
    assertEquals(await table.rows(), []);
    assertEquals(pool.stats().lost, 1);
  },
);

poolTest(
  "Promise 10: a signal that is asked for after the loss is aborted already",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    await using lease = await world.pool.acquire();
    const lost = new Promise((resolve) =>
      world.pool.addEventListener("lost", resolve)
    );
    await world.kill(lease.pid);
    await lost;
    assert(lease.signal.aborted);
    assertInstanceOf(lease.signal.reason, ConnectionLostError);
  },
);

poolTest(
  "Promise 10: the signals of a lease and of its handles hear of the loss, also when a handle was reserved in turn",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    const handle = await lease.reserve();
    const inner = await handle.reserve();
    const signals = [lease, handle, inner].map(({ signal }) => signal);
    await kill(world, lease);
    assertEquals(signals.map(({ aborted }) => aborted), [true, true, true]);
    for (const { reason } of signals) {
      assertInstanceOf(reason, ConnectionLostError);
    }
  },
);

poolTest(
  "The signal of a handle is aborted by the end of its lease, and by its own alone",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const lease = await world.pool.acquire();
    const [first, second] = [await lease.reserve(), await lease.reserve()];
    const signals = [lease, first, second].map(({ signal }) => signal);
    const aborted = () => signals.map(({ aborted }) => aborted);
    await first.release();
    assertEquals(aborted(), [false, true, false]);
    await lease.release();
    assertEquals(aborted(), [true, true, true]);
  },
);

poolTest(
  "Promise 10: a statement that may have run says so, and what stood behind it was not run elsewhere",
  async (t) => {
    await using world = poolWorld(t, { max: 3 });
    const { pool } = world;
    await using table = await makeTable(world);
    await using lease = await pool.acquire();
    const running = lease`select pg_sleep(60)`.execute();
    const behind = Array.from(
      { length: 5 },
      (_, index) =>
        lease.unsafe(`insert into ${table.name} values (${index})`).execute(),
    );
    const failed = Promise.allSettled([running, ...behind]);
    await eventually("it runs", () => isActive(world, lease.pid));
    await world.kill(lease.pid);
    for (const result of await failed) {
      assert(result.status === "rejected");
      assertInstanceOf(result.reason, ConnectionLostError);
      assertEquals(result.reason.phase, "query");
      assertEquals(result.reason.sqlState, "57P01");
    }
    const [first] = await failed;
    assert(first?.status === "rejected" && first.reason.sent);
    assertEquals(await table.rows(), []);
  },
);

poolTest(
  "Promise 10: nothing runs twice: a lease that is cut after each of 50 inserts was sent",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 3 }, { through: proxy });
    const { pool } = world;
    await using table = await makeTable(world);
    for (let index = 0; index < 50; index++) {
      await using lease = await pool.acquire();
      const sent = proxy.requested(`values (${index})`);
      const insert = lease.unsafe(
        `insert into ${table.name} values (${index})`,
      ).execute();
      insert.catch(() => {});
      await sent;
      proxy.cut(index % 2 === 0 ? "close" : "reset");
      const error = await insert.then(() => undefined, (error) => error);
      if (error === undefined) continue;
      assertInstanceOf(error, ConnectionLostError);
      assertEquals(error.sent, true);
    }
    const rows = await table.rows();
    assertEquals(new Set(rows).size, rows.length, "an insert ran twice");
  },
);

poolTest(
  "Promise 10: a transaction is one session: what comes after the loss does not run by itself",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await using table = await makeTable(world);
    const insert = (value: number) =>
      `insert into ${table.name} values (${value})`;
    await using tx = await pool.begin();
    const [row] = await tx`select pg_backend_pid() as pid`;
    await tx.unsafe(insert(1));
    const savepoint = await tx.savepoint();
    const lost = new Promise((resolve) =>
      pool.addEventListener("lost", resolve)
    );
    await world.kill(Number(row?.pid));
    await lost;
    await assertRejects(
      async () => await tx.unsafe(insert(2)),
      ConnectionLostError,
    );
    await assertRejects(
      async () => await savepoint.unsafe(insert(3)),
      ConnectionLostError,
    );
    await assertRejects(() => tx.savepoint(), ConnectionLostError);
    const error = await assertRejects(() => tx.commit(), ConnectionLostError);
    assertEquals(error.phase, "commit");
    assertEquals(error.sent, false);
    assertEquals(tx.outcome, "rolled back");
    assertEquals(await table.rows(), []);
  },
);

poolTest(
  "Promise 10: a commit whose answer is lost says that nobody knows: phase commit, sent, outcome unknown",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    await using table = await makeTable(world);
    const tx = await pool.begin();
    await tx.unsafe(`insert into ${table.name} values (1)`);
    proxy.hold("replies");
    const sent = proxy.requested("commit");
    const committed = assertRejects(() => tx.commit(), ConnectionLostError);
    await sent;
    await eventually(
      "it is committed",
      async () => (await table.rows()).length === 1,
    );
    proxy.cut();
    proxy.release();
    const error = await committed;
    assertEquals(error.phase, "commit");
    assertEquals(error.sent, true);
    assertEquals(tx.outcome, "unknown");
    const again = await assertRejects(
      () => tx.commit(),
      TransactionFinishedError,
    );
    assertEquals(again.outcome, "unknown");
  },
);

poolTest(
  "Promise 10: transaction() does not run its callback again when the outcome of the commit is unknown",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    await using table = await makeTable(world);
    let runs = 0;
    const sent = proxy.requested("commit");
    const done = assertRejects(() =>
      pool.transaction(async (tx) => {
        runs++;
        await tx.unsafe(`insert into ${table.name} values (1)`);
        proxy.hold("replies");
      }, { retries: 5 }), ConnectionLostError);
    await sent;
    await eventually(
      "it is committed",
      async () => (await table.rows()).length === 1,
    );
    proxy.cut("reset");
    proxy.release();
    assertEquals((await done).phase, "commit");
    assertEquals(runs, 1);
    assertEquals(await table.rows(), [1]);
  },
);

poolTest(
  "Promise 10: a begin whose answer is lost says so, and costs one connection",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    await pool.ready();
    proxy.hold("replies");
    const sent = proxy.requested("begin");
    const begun = assertRejects(() => pool.begin(), ConnectionLostError);
    await sent;
    proxy.cut();
    proxy.release();
    const error = await begun;
    assertEquals(error.phase, "begin");
    assertEquals(error.sent, true);
    assertEquals(pool.stats().leased, 0);
    await using tx = await pool.begin();
    assertEquals((await tx`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 10: a rollback on a session that died has rolled back",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (const isKnown of [true, false]) {
      const tx = await pool.begin();
      const [row] = await tx`select pg_backend_pid() as pid`;
      const lost = new Promise((resolve) =>
        pool.addEventListener("lost", resolve)
      );
      const killed = world.kill(Number(row?.pid));
      if (isKnown) await Promise.all([killed, lost]);
      await tx.rollback();
      assertEquals(tx.outcome, "rolled back");
      await killed;
    }
  },
);

poolTest(
  "Promise 10: bytes that are no protocol end the lease, not the process",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    await using lease = await pool.acquire();
    const { signal } = lease;
    const query = assertRejects(
      async () => await lease`select pg_sleep(1)`,
      ConnectionLostError,
    );
    await eventually("it runs", () => isActive(world, lease.pid));
    proxy.inject(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    assertEquals((await query).sent, true);
    assert(signal.aborted);
    await using next = await pool.acquire();
    assertEquals((await next`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 10: a stream and a cursor on a session that is killed end with an error",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await using first = await pool.acquire();
    const cursor = await assertRejects(async () => {
      for await (
        const _rows of first`select generate_series(1, 1000)`.cursor(1)
      ) await world.kill(first.pid);
    }, PoolError);
    assertInstanceOf(cursor, ConnectionLostError);
    await using second = await pool.acquire();
    const readable = await second`
    copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout`
      .readable();
    const error = await assertRejects(async () => {
      for await (const _chunk of readable) await world.kill(second.pid);
    }, Error);
    assert(error.message.length > 0);
  },
);

poolTest(
  "Promise 10: use() and transaction() hand on the loss itself",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    let first: unknown;
    const second = await pool.use(async (connection) => {
      await kill(world, connection);
      await connection`select 1`.catch((error) => first = error);
      throw first;
    }).catch((error) => error);
    assertStrictEquals(second, first);
    assertInstanceOf(second, ConnectionLostError);
  },
);

async function isActive({ admin }: PoolWorld, pid: number): Promise<boolean> {
  const [row] = await admin`
    select state from pg_stat_activity where pid = ${pid}`;
  return row?.state === "active";
}
