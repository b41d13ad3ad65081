/**
 * A program that has its backends killed in one state, named by its last
 * argument, and must live on. It prints "recovered" when all was settled.
 */
import { ConnectionLostError, createPool, type Pool } from "../../../mod.ts";

const [url = "", applicationName = "", state = ""] = Deno.args;
const DEADLINE_MS = 10_000;
const connection = { application_name: applicationName };

const { promise: killed, resolve: announceKill } = Promise
  .withResolvers<void>();

/** Brings the pool into a state; what it answers is awaited after the kill. */
type Scenario = (pool: Pool) => Promise<readonly Promise<unknown>[]>;

const scenarios: Readonly<Record<string, Scenario>> = {
  async idle(pool) {
    const leases = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    for (const lease of leases) await lease.release();
    return [];
  },
  async leased(pool) {
    const lease = await pool.acquire();
    await lease`select 1`;
    return [lostLater(pool, () => lease`select 2`)];
  },
  async "leased and active"(pool) {
    const lease = await pool.acquire();
    return [
      ...[1, 2, 3].map((n) => lost(lease`select pg_sleep(60), ${n}::int`)),
      lostLater(pool, () => lease.release()),
    ];
  },
  "one-shots in flight": (pool) =>
    Promise.resolve(
      Array.from({ length: 80 }, (_, n) =>
        lost(pool`select pg_sleep(60), ${n}::int`)),
    ),
  async "one-shots as fast as they come"(pool) {
    await using killer = createPool(url, { max: 1 });
    for (let round = 0; round < 10; round++) {
      const shots = Array.from(
        { length: 100 },
        (_, n) => lost(pool`select ${n}::int`),
      );
      await Promise.all([...shots, kill(killer)]);
    }
    await checkRecovery(pool);
    return [lost(pool`select pg_sleep(60)`)];
  },
  "a cursor of the pool": (pool) => Promise.resolve([lost(readSlowly(pool))]),
  async "a cursor of a lease"(pool) {
    const lease = await pool.acquire();
    return [lost(readSlowly(lease))];
  },
  async "a cursor left alone"(pool) {
    const rows = pool`select generate_series(1, 1000)`.cursor(10);
    await rows[Symbol.asyncIterator]().next();
    return [];
  },
  forEach: (pool) =>
    Promise.resolve([
      lost(
        pool`select n, pg_sleep(n / 100) from generate_series(1, 1000) n`
          .forEach(() => {}),
      ),
    ]),
  async "COPY from us"(pool) {
    const lease = await pool.acquire();
    await lease`create temp table sink (n int)`;
    const stream = await lease`copy sink from stdin`.writable();
    stream.write("1\n");
    return [lostLater(pool, () => {
      for (let n = 0; n < 100; n++) stream.write(`${n}\n`);
      stream.end();
      return lease`select 1`;
    })];
  },
  async "COPY from us, ended at once"(pool) {
    const lease = await pool.acquire();
    await lease`create temp table sink (n int)`;
    const stream = await lease`copy sink from stdin`.writable();
    return [lostLater(pool, () => {
      stream.end("1\n");
      return lease`select 1`;
    })];
  },
  async "COPY to us"(pool) {
    const lease = await pool.acquire();
    const stream = await lease`
      copy (select repeat('x', 1000), pg_sleep(n / 100)
      from generate_series(1, 1000) n) to stdout`.readable();
    stream.resume();
    return [lostLater(pool, () => lease`select 1`)];
  },
  async "COPY to us, not read"(pool) {
    const stream = await pool`
      copy (select repeat('x', 1000) from generate_series(1, 100000))
      to stdout`.readable();
    // As long as nobody reads, nobody sees the end.
    void killed.then(() => stream.resume());
    return [];
  },
  async "in a transaction"(pool) {
    const tx = await pool.begin();
    await tx`select 1`;
    return [lostLater(pool, async () => {
      await tx[Symbol.asyncDispose]();
      throw new ConnectionLostError({ sent: false, phase: "idle" });
    })];
  },
  async "in a savepoint"(pool) {
    return await Promise.resolve([
      lost(
        pool.begin((tx) => tx.savepoint((inner) => inner`select pg_sleep(60)`)),
      ),
    ]);
  },
  async "in BEGIN"(pool) {
    await using killer = createPool(url, { max: 1 });
    for (let round = 0; round < 20; round++) {
      const begun = Promise.all(
        [1, 2, 3].map(() => lost(pool.begin((tx) => tx`select 1`))),
      );
      await Promise.all([begun, kill(killer)]);
    }
    await checkRecovery(pool);
    return [lost(pool.begin((tx) => tx`select pg_sleep(60)`))];
  },
  async "in COMMIT"(pool) {
    // Its block would wait for the commit.
    const tx = await pool.begin();
    await tx`create function pg_temp.doze() returns trigger language plpgsql
      as 'begin perform pg_sleep(60); return null; end'`;
    await tx`create temp table slow (n int)`;
    await tx`create constraint trigger doze after insert on slow
      deferrable initially deferred for each row
      execute function pg_temp.doze()`;
    await tx`insert into slow values (1)`;
    return [lost(tx.commit())];
  },
  async "in ROLLBACK"(pool) {
    await using killer = createPool(url, { max: 1 });
    for (let round = 0; round < 20; round++) {
      const transactions = await Promise.all(
        [1, 2, 3].map(() => pool.begin().catch(expectLost)),
      );
      const ends = transactions.map((tx) => tx?.rollback());
      await Promise.all([...ends, kill(killer)]);
    }
    await checkRecovery(pool);
    return [lost(pool`select pg_sleep(60)`)];
  },
  async "queries that nobody awaits"(pool) {
    for (let n = 0; n < 4; n++) {
      void pool`select pg_sleep(60), ${n}::int`.execute();
      void pool`select ${n}::int`;
    }
    // One that was not sent would run again, and for a minute.
    await sleeping(4);
    return [];
  },
  async "queries of a lease that nobody awaits"(pool) {
    const lease = await pool.acquire();
    for (let n = 0; n < 5; n++) void lease`select pg_sleep(60)`.execute();
    void lease`select 1`.cursor(10);
    return [];
  },
  async "while it is reset"(pool) {
    const lease = await pool.acquire();
    await lease`begin`;
    await lease`create function pg_temp.nap() returns int language sql
      as 'select 1 from pg_sleep(60)'`;
    void lease`select pg_temp.nap()`.execute().catch(() => {});
    void lease.release();
    return [];
  },
  "a long result": (pool) =>
    Promise.resolve([
      lost(pool`
        select repeat('x', 10000), pg_sleep(n / 1000)
        from generate_series(1, 100000) n`),
    ]),
  async "while it is cancelled"(pool) {
    const query = pool`select pg_sleep(60)`;
    const cancelled = query.execute().catch((error) => {
      if (error.code !== "57014") expectLost(error);
    });
    await running();
    query.cancel();
    return [cancelled];
  },
};

async function main(): Promise<void> {
  await using killer = createPool(url, { max: 1 });
  {
    await using pool = createPool(url, { max: 4, connection });
    const pending = await scenarios[state]!(pool);
    await running();
    const { lost } = pool.stats();
    await kill(killer);
    announceKill();
    await until(() => pool.stats().lost > lost);
    await killUntil(killer, Promise.all(pending));
    await checkRecovery(pool);
    // Some of those that nobody awaits may run again.
    await pool.close({ timeoutMs: 1_000 });
  }
  console.log("recovered");
}

/** Queries that were not sent run again, on sessions that have to be killed too. */
async function killUntil(
  killer: Pool,
  settled: Promise<unknown>,
): Promise<void> {
  let isSettled = false;
  void settled.then(() => isSettled = true, () => isSettled = true);
  const deadline = performance.now() + DEADLINE_MS;
  // Not those that only start: while dials fail, the pool dials ever more rarely.
  while (!isSettled && performance.now() < deadline) {
    await killer`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = ${applicationName} and wait_event = 'PgSleep'`;
  }
  await settled;
}

/** A query may still meet a session that was killed; the next one does not. */
async function checkRecovery(pool: Pool): Promise<void> {
  for (let attempt = 0;; attempt++) {
    const rows = await pool`select 1 as one`.catch(expectLost);
    if (rows?.[0]?.one === 1) return;
    if (attempt === 10) throw new Error("The pool does not work any more");
  }
}

async function readSlowly(sql: Pick<Pool, "unsafe">): Promise<void> {
  const query = sql.unsafe(
    "select n, pg_sleep(n / 10) from generate_series(1, 1000) n",
  );
  for await (const rows of query.cursor(5)) void rows;
}

/** Kills every session of the pool. */
async function kill(killer: Pool): Promise<void> {
  await killer`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = ${applicationName}`;
}

/** Resolves once the server runs, or holds, a session of the pool. */
async function running(): Promise<void> {
  await using watcher = createPool(url, { max: 1 });
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const [row] = await watcher`
      select count(*)::int as count from pg_stat_activity
      where application_name = ${applicationName} and query <> ''`;
    if (row?.count > 0) return;
    if (performance.now() > deadline) throw new Error("No session was seen");
  }
}

/** Resolves once the server runs so many sleeps of the pool. */
async function sleeping(count: number): Promise<void> {
  await using watcher = createPool(url, { max: 1 });
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const rows = await watcher`
      select from pg_stat_activity where application_name = ${applicationName}
      and wait_event = 'PgSleep'`;
    if (rows.length === count) return;
    if (performance.now() > deadline) throw new Error("Too few sleep");
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("Nothing was lost");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Settles well when the promise is fulfilled, or rejects because of the kill. */
async function lost(promise: PromiseLike<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    expectLost(error);
  }
}

/** Does something once the pool has noticed. */
async function lostLater(
  pool: Pool,
  action: () => PromiseLike<unknown>,
): Promise<void> {
  await until(() => pool.stats().lost > 0);
  await lost(action());
}

function expectLost(error: unknown): undefined {
  if (error instanceof ConnectionLostError) return undefined;
  throw error;
}

if (state === "--list") console.log(JSON.stringify(Object.keys(scenarios)));
else await main();
