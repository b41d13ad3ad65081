import { ConnectionLostError } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { Fate } from "../support/fate.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

// Nothing is written behind a query with limits: it might have to be cancelled.
const LIMITS = { timeoutMs: 25_000 };

poolTest(
  "Promise 15: a one-shot whose bytes were never written runs on another connection, unseen",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`select 1`;
    const [pid] = await world.pids();
    const first = new Fate(pool.with(LIMITS)`select pg_sleep(60)`);
    const unsent = Promise.all(
      Array.from({ length: 10 }, (_, n) => pool`select ${n}::int as n`),
    );
    await eventually("all have a place", () => pool.stats().queries === 12);

    await world.kill(pid!);
    const error = await first.settled;
    assertInstanceOf(error, ConnectionLostError);
    assertEquals(error.sent, true);
    assertEquals(error.sqlState, "57P01");
    const rows = await unsent;
    assertEquals(rows.map(([row]) => row?.n), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assertEquals(pool.stats().resent, 10);
    assertEquals(pool.stats().waiting, 0);
  },
);

poolTest(
  "Promise 15: the parameters of a one-shot that is sent again are what they were",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const query = () =>
      pool`select ${true} as yes, ${false} as no, ${"a\\b\"'"} as text,
      ${new Date(0)}::timestamptz as time, ${pool.json({ a: [1] })} as json,
      ${["x", 'y"', ""]}::text[] as texts,
      ${new Uint8Array([0, 255])}::bytea as bytes`;
    const [expected] = await query();
    const [pid] = await world.pids();

    const first = new Fate(pool.with(LIMITS)`select pg_sleep(60)`);
    const again = query().execute();
    await eventually("both have a place", () => pool.stats().queries === 3);
    await world.kill(pid!);
    assertInstanceOf(await first.settled, ConnectionLostError);
    assertEquals((await again)[0], expected);
    assertEquals(pool.stats().resent, 1);
  },
);

poolTest(
  "Promise 15: a one-shot that may have run is not sent again",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool, admin } = world;
    const table = admin(`resend_${crypto.randomUUID().slice(0, 8)}`);
    await admin`create unlogged table ${table} (n int)`;
    try {
      await pool`select 1`;
      proxy.hold("replies");
      const insert = new Fate(pool`insert into ${table} values (1)`);
      await eventually("the server has run it", async () => {
        const [row] = await admin`select count(*)::int as count from ${table}`;
        return row?.count === 1;
      });
      proxy.cut();
      const error = await insert.settled;
      assertInstanceOf(error, ConnectionLostError);
      assertEquals(error.sent, true);

      proxy.release();
      await pool`select 1`;
      const [row] = await admin`select count(*)::int as count from ${table}`;
      assertEquals(row?.count, 1);
      assertEquals(pool.stats().resent, 0);
    } finally {
      await admin`drop table ${table}`;
    }
  },
);

poolTest(
  "Promise 15: a query of a lease is not sent again, sent or not",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    const lease = await pool.acquire();
    const first = new Fate(lease.with(LIMITS)`select pg_sleep(60)`);
    const second = new Fate(lease`select 1`);
    await eventually("it runs", async () => {
      const [row] = await world.admin`
      select state from pg_stat_activity where pid = ${lease.pid}`;
      return row?.state === "active";
    });
    await world.kill(lease.pid);
    const sent = await first.settled;
    assertInstanceOf(sent, ConnectionLostError);
    assertEquals(sent.sent, true);
    const unsent = await second.settled;
    assertInstanceOf(unsent, ConnectionLostError);
    assertEquals(unsent.sent, false);
    assertEquals(pool.stats().resent, 0);
    await lease.release();
  },
);

poolTest(
  "Promise 15: one-shots that are sent again keep their order and their limits",
  async (t) => {
    await using world = poolWorld(t, { max: 1, pipeline: 4 });
    const { pool } = world;
    await pool`select 1`;
    const [pid] = await world.pids();
    const ended: number[] = [];
    const first = new Fate(pool.with(LIMITS)`select pg_sleep(60)`);
    const others = Array.from(
      { length: 8 },
      (_, n) => pool`select ${n}::int`.then(() => void ended.push(n)),
    );
    const reason = new Error("No longer wanted");
    const abort = new AbortController();
    const limited = new Fate(
      pool.with({ signal: abort.signal })`select pg_sleep(60)`,
    );
    await eventually("the line is full", () => pool.stats().waiting > 0);

    await world.kill(pid!);
    assertInstanceOf(await first.settled, ConnectionLostError);
    await Promise.all(others);
    assertEquals(ended, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert(pool.stats().resent >= 3);
    await eventually("the last one runs", () => pool.stats().waiting === 0);
    abort.abort(reason);
    assertEquals(await limited.settled, reason);
  },
);
