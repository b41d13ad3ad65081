/** What postgres.js 3.4.9 does that a user of the pool must never meet. */
import {
  AcquireTimeoutError,
  ConnectError,
  ConnectionLostError,
  createPool,
  LeaseReleasedError,
  QueryTimeoutError,
} from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { startFakePostgres } from "../support/fake_postgres.ts";
import { Fate } from "../support/fate.ts";
import { startFaultProxy } from "../support/fault_proxy.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
  worldServer,
} from "../support/pool_world.ts";
import { runProgram } from "../support/program.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const PROGRAM = new URL("programs/driver_hazards.ts", import.meta.url);

/** A hazard that ends a process is met in one of its own. */
async function meetInProcess(hazard: string, count: number): Promise<void> {
  const name = uniqueApplicationName({ name: hazard });
  const args = [worldServer.url, name, hazard];
  const end = await runProgram(PROGRAM, { args });
  const stdout = `recovered from ${count}\n`;
  assertEquals(end, { code: 0, stdout, stderr: "" });
  await waitForNoSessions(worldServer.url, name);
}

/** Resolves once the server runs a statement of this world that contains `text`. */
function running(world: PoolWorld, text: string): Promise<void> {
  return eventually(`${text} runs`, async () => {
    const rows = await world.admin`
      select 1 from pg_stat_activity where state = 'active'
      and application_name = ${world.applicationName}
      and query like ${`%${text}%`}`;
    return rows.length > 0;
  });
}

poolTest(
  "H1: a lease whose session died rejects, is released, and ends no process",
  () => meetInProcess("H1", 6),
);

poolTest(
  "H2: the 57P01 of a killed statement is its own, and the next one runs",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const victim = new Fate(lease`select pg_sleep(60)`.execute());
    await running(world, "pg_sleep");
    await world.kill(lease.pid);
    await victim.settled;
    assertInstanceOf(victim.value, ConnectionLostError);
    assertEquals(victim.value.sqlState, "57P01");
    await lease.release();
    assertEquals([...await pool`select 1 as one`], [{ one: 1 }]);
  },
);

poolTest(
  "H3: an acquire that waits for a session that is killed is served",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const lease = await world.pool.acquire();
    const waiting = world.pool.acquire();
    await world.kill(lease.pid);
    const next = await waiting;
    assertNotEquals(next.pid, lease.pid);
    assertEquals([...await next`select 1 as one`], [{ one: 1 }]);
    await lease.release();
    await next.release();
  },
);

poolTest(
  "H4: the first thing a pool without types is asked for may be a lease",
  async (t) => {
    await using world = poolWorld(t, { max: 1, fetch_types: false });
    const { pool } = world;
    const lease = await pool.reserve();
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
    lease.release();
    assertEquals([...await pool`select 1 as one`], [{ one: 1 }]);
  },
);

poolTest(
  "H5: a server that hangs up during start-up is not dialled in a storm",
  async () => {
    await using server = await startFakePostgres();
    server.misbehave({ at: "startup", how: "close" });
    await using pool = createPool(server.url, {
      max: 4,
      acquireTimeoutMs: 400,
    });
    const fates = Array.from({ length: 8 }, () => new Fate(pool.acquire()));
    for (const fate of fates) {
      await fate.settled;
      assertInstanceOf(fate.value, AcquireTimeoutError);
      assertInstanceOf(fate.value.cause, ConnectError);
      assertEquals(fate.value.cause.kind, "refused");
    }
    // Four at first, then one at a time after 25, 50, 100 and 200 ms at least.
    assert(server.accepted <= 9, `${server.accepted} dials`);
  },
);

poolTest(
  "H6: a query on a session that answers nothing ends by its deadline, or when it is given up",
  async (t) => {
    await using proxy = await startFaultProxy(worldServer);
    await using world = poolWorld(
      t,
      { max: 2, queryTimeoutMs: 100, releaseTimeoutMs: 100 },
      { through: proxy },
    );
    const { pool } = world;
    await Promise.all([pool`select 1`, pool`select pg_sleep(0.01)`]);
    const giving = new AbortController();
    const fault = proxy.add({
      kind: "timeout",
      timeoutMs: 0,
      direction: "both",
    });
    const reason = new Error("Enough");
    const aborted = new Fate(pool.with({ signal: giving.signal })`select 1`);
    const timedOut = new Fate(pool`select 1`.execute());
    giving.abort(reason);
    await aborted.settled;
    assertEquals(aborted.value, reason);
    await timedOut.settled;
    assertInstanceOf(timedOut.value, QueryTimeoutError);
    await fault.remove();
    await eventually(
      "it works",
      async () => await pool`select 1`.then(() => true, () => false),
    );
  },
);

poolTest(
  "H7: no sibling of a query runs on another session when theirs dies",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool, admin } = world;
    await admin`create table if not exists hazard_siblings (label text)`;
    const lease = await pool.acquire();
    await lease`set statement_timeout = '50s'`;
    const label = world.applicationName;
    const queries = [
      lease`select pg_sleep(60)`,
      lease`insert into hazard_siblings values (${label})`,
      lease`insert into hazard_siblings values (${label})`,
    ].map((query) => new Fate(query.execute()));
    await running(world, "pg_sleep");
    await world.kill(lease.pid);
    for (const query of queries) {
      await query.settled;
      assertInstanceOf(query.value, ConnectionLostError);
    }
    await assertRejects(
      () => lease`insert into hazard_siblings values (${label})`,
      ConnectionLostError,
    );
    await lease.release();
    assertEquals([
      ...await pool`select 1 from hazard_siblings where label = ${label}`,
    ], []);
  },
);

poolTest(
  "H8: a second release does not give away what another lease holds",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const first = await pool.acquire();
    await first.release();
    const holder = await pool.acquire();
    await holder`begin`;
    await holder`create temp table secret (n int)`;
    await first.release();
    await first[Symbol.asyncDispose]();
    const third = new Fate(pool.acquire());
    assertEquals([...await holder`select count(*)::int as n from secret`], [{
      n: 0,
    }]);
    assertEquals(third.isSettled, false);
    await holder.release();
    const lease = await third.settled as typeof holder;
    await assertRejects(() => lease`select * from secret`, Error, "secret");
    await lease.release();
  },
);

poolTest(
  "H9: a released handle runs nothing in the next lease's transaction",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const released = await world.pool.acquire();
    const lazy = released`select current_setting('statement_timeout') as value`;
    await released.release();
    await using tx = await world.pool.begin();
    await tx`set local statement_timeout = '41s'`;
    await assertRejects(() => lazy, LeaseReleasedError);
    await assertRejects(() => released`select 1`, LeaseReleasedError);
    await assertRejects(() => released.unsafe("rollback"), LeaseReleasedError);
    assertEquals([...await tx`show statement_timeout`], [{
      statement_timeout: "41s",
    }]);
  },
);

for (const state of ["open", "failed"] as const) {
  poolTest(
    `H10: a lease that is released in a transaction (${state}) leaves nothing of it to the next`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const lease = await world.pool.acquire();
      const [before] = await lease`show search_path`;
      await lease`begin`;
      await lease`set search_path = evil`;
      if (state === "failed") await assertRejects(() => lease`select 1 / 0`);
      await lease.release();
      const next = await world.pool.acquire();
      assertEquals(next.transactionStatus, "idle");
      assertEquals((await next`show search_path`)[0], before);
      await next.release();
    },
  );
}

poolTest(
  "H11: a lease that is released with a query in flight is not lent with it",
  async (t) => {
    await using world = poolWorld(t, { max: 1, releaseTimeoutMs: 200 });
    const lease = await world.pool.acquire();
    const left = new Fate(lease`select pg_sleep(60)`.execute());
    await running(world, "pg_sleep");
    await lease.release();
    const next = await world.pool.acquire();
    assertEquals(left.isSettled, true);
    assertEquals([...await next`select 1 as one`], [{ one: 1 }]);
    await next.release();
  },
);

poolTest(
  "H12: a password function that fails, hangs or answers nonsense is the caller's to know, and ends no process",
  () => meetInProcess("H12", 4),
);

poolTest(
  "H13: close() while a lease is out ends with the lease, or by its deadline",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const lease = await world.pool.acquire();
    const closed = new Fate(world.pool.close());
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
    assertEquals(closed.isSettled, false);
    await lease.release();
    assertEquals(await closed.settled, undefined);
    await using other = poolWorld(t, { max: 1 });
    const held = await other.pool.acquire();
    const query = new Fate(held`select pg_sleep(60)`.execute());
    await running(other, "pg_sleep");
    await other.pool.close({ timeoutMs: 200 });
    await query.settled;
    assert(query.value instanceof Error);
  },
);

poolTest(
  "H14: a cancelled statement's 57014 hits nobody after it, 40 times",
  async (t) => {
    await using proxy = await startFaultProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    await pool`select pg_sleep(0)`;
    const before = proxy.accepted;
    for (let round = 0; round < 40; round++) {
      const sent = proxy.requested("pg_sleep");
      const query = pool.unsafe(`select pg_sleep(60), ${round}`);
      const cancelled = new Fate(query.execute());
      await sent;
      query.cancel();
      assertEquals([...await pool`select ${round}::int as n`], [{ n: round }]);
      await cancelled.settled;
      assertEquals((cancelled.value as { code?: string }).code, "57014");
    }
    const requests = proxy.accepted - before;
    assert(requests >= 40, `${requests} cancel requests`);
  },
);

poolTest(
  "H15: a session that is reset keeps its prepared statements, inside a transaction too",
  async (t) => {
    await using world = poolWorld(t, { max: 1, reset: "session" });
    const { pool } = world;
    const pids = new Set<number>();
    for (let round = 0; round < 3; round++) {
      await using tx = await pool.begin();
      const [row] =
        await tx`select pg_backend_pid() as pid, ${round}::int as n`;
      pids.add(row?.pid);
      assertEquals(row?.n, round);
      await tx.commit();
    }
    assertEquals(pids.size, 1);
  },
);

for (const kind of ["timeout", "slow_close"] as const) {
  poolTest(
    `H16: close() ends by its deadline when the network does not (${kind})`,
    async (t) => {
      await using proxy = await startFaultProxy(worldServer);
      await using world = poolWorld(t, { max: 2, closeTimeoutMs: 200 }, {
        through: proxy,
      });
      const { pool } = world;
      await Promise.all([pool`select 1`, pool`select pg_sleep(0.01)`]);
      const fault = proxy.add(
        kind === "timeout"
          ? { kind, timeoutMs: 0, direction: "both" }
          : { kind, delayMs: 60_000, direction: "both" },
      );
      await pool.close();
      assertEquals(pool.stats().total, 0);
      await fault.remove();
    },
  );
}

poolTest(
  "H17: the time to connect covers a transport of one's own, and the error says where to",
  async () => {
    const asked: unknown[] = [];
    await using pool = createPool("postgres://u@db.invalid:6543/d", {
      connectTimeoutMs: 50,
      acquireTimeoutMs: 300,
      transport({ host, port }) {
        asked.push({ host, port });
        return new Promise(() => {});
      },
    });
    const error = await assertRejects(
      () => pool.acquire(),
      AcquireTimeoutError,
    );
    assertInstanceOf(error.cause, ConnectError);
    assertEquals(error.cause.kind, "timeout");
    assertEquals(error.message.includes("undefined"), false);
    assertEquals(asked[0], { host: "db.invalid", port: 6543 });
  },
);
