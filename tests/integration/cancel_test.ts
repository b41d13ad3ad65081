import { AcquireTimeoutError, QueryTimeoutError, type Sql } from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
  worldServer,
} from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

async function isRunning({ admin }: PoolWorld, pid: number): Promise<boolean> {
  const [row] = await admin`
    select state from pg_stat_activity where pid = ${pid}`;
  return row?.state === "active";
}

async function anyRunning(world: PoolWorld): Promise<boolean> {
  const [row] = await world.admin`
    select count(*)::int as count from pg_stat_activity
    where application_name = ${world.applicationName} and state = 'active'`;
  return row?.count > 0;
}

poolTest(
  "A statement that was begun before detach() can be cancelled after it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const lease = await world.pool.acquire();
    const query = lease`select pg_sleep(600)`.execute();
    const told = query.catch(({ code }) => code);
    await eventually("it runs", () => anyRunning(world));
    await using own = lease.detach();
    query.cancel();
    assertEquals(await told, "57014");
    assertEquals((await own`select 1 as one`)[0]!.one, 1);
  },
);

poolTest(
  "Promise 12: a cancelled statement's connection is not lent before the cancel is known finished",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    await pool`select 1`;
    const controller = new AbortController();
    const { signal } = controller;
    const run = pool.with({ signal })`select pg_sleep(0.1)`.execute();
    run.catch(() => {});
    await eventually("it runs", () => anyRunning(world));
    const before = proxy.accepted;
    proxy.hold("requests"); // the cancel request does not arrive
    controller.abort("enough");
    assertEquals(await run.catch((error) => error), "enough");
    await eventually("a cancel was sent", () => proxy.accepted > before);
    await eventually(
      "it ended by itself",
      async () => !await anyRunning(world),
    );
    await nextTurn();
    const next = pool.acquire({ timeoutMs: 5_000 });
    const oneShot = pool`select 2 as two`.execute();
    await nextTurn();
    await nextTurn();
    assertEquals(
      pool.stats().waiting,
      2,
      "it was lent with a cancel under way",
    );
    assertStrictEquals(pool.tryAcquire(), undefined);
    proxy.release();
    {
      await using lease = await next;
      assertEquals((await lease`select pg_sleep(0.02), 1 as one`)[0]?.one, 1);
    }
    assertEquals((await oneShot)[0]?.two, 2);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 12: the same for a lease that is released with a cancel under way",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    const lease = await pool.acquire();
    const controller = new AbortController();
    const { signal } = controller;
    const run = lease.with({ signal })`select pg_sleep(0.1)`.execute();
    run.catch(() => {});
    await eventually("it runs", () => isRunning(world, lease.pid));
    const before = proxy.accepted;
    proxy.hold("requests");
    controller.abort("enough");
    assertEquals(await run.catch((error) => error), "enough");
    await eventually("a cancel was sent", () => proxy.accepted > before);
    await eventually(
      "it ended by itself",
      async () => !await isRunning(world, lease.pid),
    );
    const released = lease.release();
    const next = pool.acquire();
    await nextTurn();
    await nextTurn();
    assertEquals(
      pool.stats().waiting,
      1,
      "it was lent with a cancel under way",
    );
    proxy.release();
    await released;
    await using other = await next;
    assertEquals((await other`select pg_sleep(0.02), 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 12: the next statement of the same lease is not hit by the cancel of the last",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController();
      const { signal } = controller;
      const run = lease.with({ signal })`select pg_sleep(0.002)`.execute();
      const next = lease`select pg_sleep(0.002), 1 as one`.execute();
      setTimeout(() => controller.abort("enough"), round % 5);
      await run.catch((error) => assertEquals(error, "enough"));
      assertEquals((await next)[0]?.one, 1);
    }
    assertEquals(world.pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 12: an aborted query is cancelled on the server, and its connection kept",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    async function run(sql: Sql): Promise<void> {
      const controller = new AbortController();
      const { signal } = controller;
      const query = sql.with({ signal })`select pg_sleep(60)`.execute();
      query.catch(() => {});
      await eventually("it runs", () => anyRunning(world));
      controller.abort("enough");
      assertEquals(await query.catch((error) => error), "enough");
      await eventually(
        "it was cancelled",
        async () => !await anyRunning(world),
      );
    }
    await run(pool);
    await pool.use(run);
    await pool.begin(run).catch(() => {});
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 12: query.cancel() cancels on the server, on the pool, on a lease and in a transaction",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    async function run(sql: Sql): Promise<void> {
      const query = sql`select pg_sleep(60)`.execute();
      query.catch(() => {});
      await eventually("it runs", () => anyRunning(world));
      query.cancel();
      const error = await query.catch((error) => error);
      assertEquals(error.code, "57014");
      await eventually(
        "it was cancelled",
        async () => !await anyRunning(world),
      );
    }
    await run(pool);
    await pool.use(run);
    await pool.begin(run).catch(() => {});
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 12: a query that was cancelled before it was sent never runs",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool, admin } = world;
    const name = `t${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.unsafe(`create table ${name} (a int)`);
    try {
      for (const ask of [() => pool, () => pool.acquire()]) {
        const sql: Sql = await ask();
        const lazy = sql.unsafe(`insert into ${name} values (1)`);
        lazy.cancel();
        assertEquals((await lazy.catch((error) => error)).code, "57014");
        const executed = sql.unsafe(`insert into ${name} values (2)`).execute();
        executed.cancel();
        assertEquals((await executed.catch((error) => error)).code, "57014");
        const tagged = sql`insert into ${sql(name)} values (3)`;
        tagged.cancel();
        assertEquals((await tagged.catch((error) => error)).code, "57014");
        await sql`select 1`;
        if (sql !== pool) await sql.end();
      }
      assertEquals((await admin.unsafe(`select a from ${name}`)).length, 0);
    } finally {
      await admin.unsafe(`drop table ${name}`);
    }
  },
);

poolTest(
  "Promise 12: a query that waits for a connection and gives up leaves the queue",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const held = await pool.acquire();
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = pool.with({ signal })`select 1`.execute();
    const cancelled = pool`select 1`.execute();
    const late = pool.with({ timeoutMs: 20 })`select 1`.execute();
    for (const query of [aborted, cancelled, late]) query.catch(() => {});
    await nextTurn();
    assertEquals(pool.stats().waiting, 3);
    controller.abort("enough");
    cancelled.cancel();
    assertEquals(pool.stats().waiting, 1);
    assertEquals(await aborted.catch((error) => error), "enough");
    assertEquals((await cancelled.catch((error) => error)).code, "57014");
    const error = await late.catch((error) => error);
    assert(
      error instanceof AcquireTimeoutError ||
        error instanceof QueryTimeoutError,
      String(error),
    );
    assertEquals(pool.stats().waiting, 0);
    await held.release();
    assertEquals(pool.stats().queries, 0);
  },
);

poolTest(
  "Promise 12: with({ timeoutMs }) ends a running query, on the server too",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool.ready(); // else its time might be up while it is dialled
    async function run(sql: Sql): Promise<void> {
      const error = await assertRejects(
        async () => await sql.with({ timeoutMs: 50 })`select pg_sleep(60)`,
        QueryTimeoutError,
        "50 ms",
      );
      assertEquals(error.timeoutMs, 50);
      await eventually(
        "it was cancelled",
        async () => !await anyRunning(world),
      );
    }
    await run(pool);
    await pool.use(run);
    await pool.begin(run).catch(() => {});
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "Promise 12: queryTimeoutMs ends every query that runs longer, and those alone",
  async (t) => {
    await using world = poolWorld(t, { max: 2, queryTimeoutMs: 400 });
    const { pool } = world;
    async function run(sql: Sql): Promise<void> {
      await assertRejects(
        async () => await sql`select pg_sleep(60)`,
        QueryTimeoutError,
      );
      assertEquals((await sql`select 1 as one`)[0]?.one, 1);
    }
    await run(pool);
    await pool.use(run);
    await assertRejects(
      async () => await pool.unsafe("select pg_sleep(60)"),
      QueryTimeoutError,
    );
    // The time is that of running: waiting for a connection does not count.
    const held = [await pool.acquire(), await pool.acquire()];
    const patient = pool`select 1 as one`.execute();
    await new Promise((resolve) => setTimeout(resolve, 600));
    for (const lease of held) await lease.release();
    assertEquals((await patient)[0]?.one, 1);
  },
);

poolTest(
  "Promise 12: a cancel that never arrives ends the connection by releaseTimeoutMs",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(
      t,
      { max: 1, releaseTimeoutMs: 100, closeTimeoutMs: 500 },
      { through: proxy },
    );
    const { pool } = world;
    await pool`select 1`;
    const controller = new AbortController();
    const { signal } = controller;
    const run = pool.with({ signal })`select pg_sleep(1)`.execute();
    run.catch(() => {});
    await eventually("it runs", () => anyRunning(world));
    proxy.blackHole();
    controller.abort("enough");
    assertEquals(await run.catch((error) => error), "enough");
    await eventually("it is destroyed", () => pool.stats().total === 0);
    proxy.release();
    proxy.cut();
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 12: cursors, forEach and several statements are cancelled like the rest",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const shapes: ((sql: Pick<Sql, "unsafe">) => PromiseLike<unknown>)[] = [
      (sql) => sql.unsafe("select pg_sleep(60)").cursor(1, () => {}),
      (sql) => sql.unsafe("select pg_sleep(60)").forEach(() => {}),
      (sql) => sql.unsafe("select 1; select pg_sleep(60)"),
      (sql) => sql.unsafe("select pg_sleep($1)", [60]).values(),
      (sql) => sql.unsafe("select pg_sleep($1)", [60]).raw(),
    ];
    for (const shape of shapes) {
      const controller = new AbortController();
      const { signal } = controller;
      const run = Promise.resolve(shape(pool.with({ signal }) as Sql));
      run.catch(() => {});
      await eventually("it runs", () => anyRunning(world));
      controller.abort("enough");
      assertEquals(await run.catch((error) => error), "enough", String(shape));
      await eventually(
        "it was cancelled",
        async () => !await anyRunning(world),
      );
      assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    }
  },
);

poolTest(
  "Promise 12: a cancel that comes before the statement runs is sent again",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(
      t,
      { max: 1, releaseTimeoutMs: 20_000 },
      { through: proxy },
    );
    const { pool } = world;
    await pool`select 1`;
    const controller = new AbortController();
    const { signal } = controller;
    // The driver sends it in two steps: the server describes it, then runs it.
    proxy.hold("replies");
    const described = proxy.requested("pg_sleep");
    const run = pool.with({ signal })`select pg_sleep(${60})`.execute();
    run.catch(() => {});
    await described;
    const cancelled = proxy.requested("\x16."); // the end of its code
    controller.abort("enough");
    assertEquals(await run.catch((error) => error), "enough");
    await cancelled;
    // Long enough for the server to have found nothing to cancel.
    await new Promise((resolve) => setTimeout(resolve, 100));
    proxy.release();
    await using lease = await pool.acquire();
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().opened, 1);
  },
);
