/** Cursors and COPYs that are open when their lease ends or their transaction is rolled back. */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Pool, PooledConnection, Sql, Transaction } from "../../mod.ts";
import { assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

// In the list of what is selected, a series is not made as a whole first.
const ENDLESS =
  "copy (select repeat('x', 1000), generate_series(1, 1000000000)) to stdout";

async function pidOf(sql: Pick<PooledConnection, "unsafe">): Promise<unknown> {
  const [row] = await sql.unsafe("select pg_backend_pid() as pid");
  return row!["pid"];
}

/** Opens something, does `end` beside it, and answers what its user is told. */
type Open = (sql: Sql, end: () => PromiseLike<void>) => Promise<unknown>;

const OPENED: Record<string, Open> = {
  "a COPY that is not ended": async (sql, end) => {
    const into = await sql`copy copied from stdin`.writable();
    const told = errorOf(into);
    into.write("1\n");
    await end();
    return await told;
  },
  "a COPY that is not read": async (sql, end) => {
    const told = errorOf(await sql.unsafe(ENDLESS).readable());
    await end();
    return await told;
  },
  "a COPY that is read": async (sql, end) => {
    const from = await sql.unsafe(ENDLESS).readable();
    return await messageOf(async () => {
      for await (const _ of from) await end();
    });
  },
  "a cursor in its loop": (sql, end) =>
    messageOf(async () => {
      for await (const _ of sql`select generate_series(1, 9)`.cursor(2)) {
        await end();
      }
    }),
  "a cursor in its callback": async (sql, end) => {
    let ended: PromiseLike<void> | undefined;
    const told = await messageOf(async () => {
      await sql`select generate_series(1, 9)`.cursor(2, () => ended = end());
    });
    await ended;
    return told;
  },
};

async function messageOf(run: () => Promise<void>): Promise<unknown> {
  return (await assertRejects(run) as Error).message;
}

async function errorOf(stream: Readable | Writable): Promise<unknown> {
  const [error] = await once(stream, "error");
  return error.message;
}

poolTest(
  "A rollback ends what is open, tells its user, and keeps the connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1, releaseTimeoutMs: 60_000 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    await using lease = await pool.acquire();
    const pid = await pidOf(lease);
    const ends: ((tx: Transaction) => Promise<void>)[] = [
      (tx) => tx.rollback(),
      async (tx) => await tx[Symbol.asyncDispose](),
    ];
    for (const [name, open] of Object.entries(OPENED)) {
      for (const end of ends) {
        for (const isInner of [false, true]) {
          await using outer = await lease.begin();
          const tx = isInner ? await outer.savepoint() : outer;
          const told = await open(tx, () => end(tx));
          assertEquals(
            told,
            "Cannot go on: the transaction was rolled back",
            name,
          );
          if (isInner) await outer`select 1`;
        }
      }
    }
    assertEquals(await pidOf(lease), pid);
  },
);

poolTest(
  "What is open is told of the end of its lease, though its connection is retired",
  async (t) => {
    for (const [name, open] of Object.entries(OPENED)) {
      await using world = poolWorld(t, { max: 1, maxUses: 2 });
      const { pool } = world;
      await pool`create table copied (n int)`;
      await using lease = await pool.acquire();
      const told = await open(lease, () => lease.release());
      assertEquals(told, "Cannot go on: this lease was released", name);
      await pool`drop table copied`;
    }
  },
);

poolTest(
  "A reader that leaves a COPY right before its lease or transaction ends costs no connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1, releaseTimeoutMs: 60_000 });
    const { pool } = world;
    const pid = await pidOf(pool);
    const leave = async (sql: Sql) => {
      for await (const _ of await sql.unsafe(ENDLESS).readable()) break;
    };
    await pool.use(leave);
    const thrown = new Error("Seen enough");
    const leaveAndThrow = async (tx: Transaction) => {
      await leave(tx);
      throw thrown;
    };
    await assertRejects(() => pool.transaction(leaveAndThrow), Error, "Seen");
    await pool.transaction(async (tx) => {
      await assertRejects(() => tx.savepoint(leaveAndThrow), Error, "Seen");
      await tx`select 1`;
    });
    assertEquals(await pidOf(pool), pid);
  },
);

poolTest(
  "A rollback ends what its user has nothing of yet: a cursor amid a fetch, a COPY that is asked for",
  async (t) => {
    await using world = poolWorld(t, { max: 1, releaseTimeoutMs: 60_000 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    const pid = await pidOf(pool);
    const starts: Record<string, (tx: Transaction) => PromiseLike<unknown>> = {
      "a cursor": (tx) =>
        tx`select pg_sleep(0.01) from generate_series(1, 5000)`
          .cursor(100, () => {}),
      "a COPY": (tx) => tx`copy copied from stdin`.execute(),
    };
    for (const [name, start] of Object.entries(starts)) {
      await using tx = await pool.begin();
      const told = Promise.resolve(start(tx)).catch(({ message }) => message);
      // In the next turn the answer to a COPY may be there.
      await (name === "a cursor" ? nextTurn() : undefined);
      await tx.rollback();
      const expected = "Cannot go on: the transaction was rolled back";
      assertEquals(await told, expected, name);
    }
    assertEquals(await pidOf(pool), pid);
  },
);

poolTest(
  "A lease that is released ends what is open, tells its user, and keeps the connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1, releaseTimeoutMs: 60_000 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    const pid = await pidOf(pool);
    for (const [name, open] of Object.entries(OPENED)) {
      for (const begin of [() => pool.acquire(), () => pool.begin()]) {
        await using sql: Sql & AsyncDisposable = await begin();
        const told = await open(sql, () => sql[Symbol.asyncDispose]());
        assertEquals(told, "Cannot go on: this lease was released", name);
        assertEquals(await pidOf(pool), pid, name);
      }
    }
  },
);

/** Ways in which a connection is not put back when its lease ends. */
const RETIRED: Record<string, (pool: Pool) => unknown> = {
  "nothing happens": () => {},
  "the pool is refreshed": (pool) => pool.refresh(),
  "the pool is closed": (pool) => void pool.close(),
};

for (const [what, retire] of Object.entries(RETIRED)) {
  poolTest(
    `A COPY whose writer has ended is not undone by the end of its lease: ${what}`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const { pool, admin } = world;
      await admin`drop table if exists kept`;
      await admin`create table kept (n int)`;
      {
        await using lease = await pool.acquire();
        const into = await lease`copy kept from stdin`.writable();
        into.write("1\n".repeat(1_000_000));
        into.end("2\n");
        retire(pool);
      }
      await eventually("all of it is kept", async () => {
        const [row] = await admin`select count(*)::int as n from kept`;
        return row!["n"] === 1_000_001;
      });
      await admin`drop table kept`;
    },
  );
}

poolTest(
  "A COPY whose writer has ended is not undone by the release of a detached connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const own = (await world.pool.acquire()).detach();
    await own`create temp table kept (n int)`;
    const into = await own`copy kept from stdin`.writable();
    const finished = once(into, "finish");
    into.end("1\n");
    await own.release();
    await finished;
  },
);

poolTest(
  "What is open behind what is open is ended with it",
  async (t) => {
    await using world = poolWorld(t, { max: 1, releaseTimeoutMs: 60_000 });
    const { pool } = world;
    const pid = await pidOf(pool);
    const lease = await pool.acquire();
    const loop = async () => {
      const cursor = lease`select generate_series(1, 9)`.cursor(2);
      for await (const _ of cursor) await nextTurn();
    };
    const told = [1, 2].map(() => messageOf(loop));
    await nextTurn();
    await lease.release();
    const expected = "Cannot go on: this lease was released";
    assertEquals(await Promise.all(told), [expected, expected]);
    assertEquals(await pidOf(pool), pid);
  },
);

poolTest(
  "A COPY whose writer has ended and that waits for a lock is cancelled by a close that is forced",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool, admin } = world;
    await admin`drop table if exists locked`;
    await admin`create table locked (n int unique)`;
    await admin.begin(async (tx) => {
      await tx`insert into locked values (1)`;
      const lease = await pool.acquire();
      const into = await lease`copy locked from stdin`.writable();
      const told = errorOf(into);
      into.end("1\n");
      await eventually("it waits", async () => {
        const [row] = await admin`
          select wait_event_type from pg_stat_activity where pid = ${lease.pid}`;
        return row!["wait_event_type"] === "Lock";
      });
      await pool.close({ force: true });
      assertMatch(String(await told), /was lost/);
      await eventually("it is gone", async () => {
        return (await world.pids()).length === 0;
      });
    });
    await admin`drop table locked`;
  },
);
