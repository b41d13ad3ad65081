import type { PooledConnection, PoolOptions, Sql } from "../../mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

/** What a session may be left in, and what shows whether it still is. */
interface Trace {
  readonly leave: string;
  readonly look: string;
  /** What a new session answers. */
  readonly clean: string;
}

const TRACES: Record<string, Trace> = {
  "a role": {
    leave: "set role pg_monitor",
    look: "select current_user = session_user",
    clean: "true",
  },
  "a session authorization": {
    leave: "set session authorization pg_monitor",
    look: "select current_user <> 'pg_monitor'",
    clean: "true",
  },
  "a setting": {
    leave: "set work_mem = '77MB'",
    look: "select current_setting('work_mem') <> '77MB'",
    clean: "true",
  },
  "a setting of its own": {
    leave: "select set_config('tidepool.tenant', '42', false)",
    look: "select coalesce(current_setting('tidepool.tenant', true), '') = ''",
    clean: "true",
  },
  "a time zone": {
    leave: "set timezone = 'Pacific/Kiritimati'",
    look: "select current_setting('timezone') <> 'Pacific/Kiritimati'",
    clean: "true",
  },
  "a statement timeout": {
    leave: "set statement_timeout = '7s'",
    look: "show statement_timeout",
    clean: "0",
  },
  "read-only transactions": {
    leave: "set default_transaction_read_only = on",
    look: "show default_transaction_read_only",
    clean: "off",
  },
  "a search_path": {
    leave: "set search_path to pg_catalog",
    look: "show search_path",
    clean: '"$user", public',
  },
  "a temporary table": {
    leave: "create temporary table left_over (a int)",
    look:
      "select count(*) from pg_class where relname = 'left_over' and relpersistence = 't'",
    clean: "0",
  },
  "a temporary table made of a query": {
    leave: "create temp table left_over as select 1 as a",
    look:
      "select count(*) from pg_class where relname = 'left_over' and relpersistence = 't'",
    clean: "0",
  },
  "a temporary table that was selected into": {
    leave: "select 1 as a into temp left_over",
    look:
      "select count(*) from pg_class where relname = 'left_over' and relpersistence = 't'",
    clean: "0",
  },
  "a temporary function": {
    leave:
      "create function pg_temp.left_over() returns int language sql as 'select 1'",
    look: "select count(*) from pg_proc where proname = 'left_over'",
    clean: "0",
  },
  "a setting of a block": {
    leave: "do $$ begin set work_mem = '77MB'; end $$",
    look: "select current_setting('work_mem') <> '77MB'",
    clean: "true",
  },
  "an advisory lock": {
    leave: "select pg_advisory_lock(4242)",
    look:
      "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
    clean: "0",
  },
  "a LISTEN": {
    leave: "listen left_over",
    look: "select count(*) from pg_listening_channels()",
    clean: "0",
  },
  "a cursor with hold": {
    leave: "declare left_over cursor with hold for select 1",
    look: "select count(*) from pg_cursors",
    clean: "0",
  },
  "a sequence's last value": {
    leave: "create temporary sequence left_over; select nextval('left_over')",
    look:
      "select count(*) from pg_class where relname = 'left_over' and relpersistence = 't'",
    clean: "0",
  },
};

// What the wire does not show, of a query that shares its connection; and what
// takes several statements.
const NOT_SHOWN = new Set([
  "a setting of its own",
  "an advisory lock",
  "a sequence's last value",
]);

/** How many transactions two queries ran in that were sent together. */
async function transactions(pool: Sql): Promise<number> {
  const answers = await Promise.all([
    pool`select pg_current_xact_id()::text as id`,
    pool`select pg_current_xact_id()::text as id`,
  ]);
  return new Set(answers.map(([row]) => row?.id)).size;
}

function asTemplate(text: string): TemplateStringsArray {
  return Object.assign([text], { raw: [text] });
}

async function answer(sql: Sql, question: string): Promise<string> {
  const [row] = await sql.unsafe(question).values();
  return String(row?.[0]);
}

for (const [what, { leave, look, clean }] of Object.entries(TRACES)) {
  poolTest(
    `Promise 9: under reset "session" the next borrower does not find ${what}`,
    async (t) => {
      await using world = poolWorld(t, { max: 1, reset: "session" });
      const { pool } = world;
      {
        await using first = await pool.acquire();
        assertEquals(await answer(first, look), clean, "it is so anyway");
        await first.unsafe(leave);
        assert(await answer(first, look) !== clean, "it leaves no trace");
      }
      await using next = await pool.acquire();
      assertEquals(await answer(next, look), clean);
      assertEquals(pool.stats().opened, 1, "it was a new session");
    },
  );

  for (const simple of NOT_SHOWN.has(what) ? [true] : [true, false]) {
    const protocol = simple ? "simple" : "extended";
    poolTest(
      `Promise 9: under reset "session" a one-shot that leaves ${what}, by the ${protocol} protocol, does not leave it to the next`,
      async (t) => {
        await using world = poolWorld(t, { max: 1, reset: "session" });
        const { pool } = world;
        const [left] = await Promise.allSettled([
          simple ? pool.unsafe(leave) : pool(asTemplate(leave)),
          pool`select 1`,
        ]);
        assertEquals(left.status, "fulfilled");
        await using next = await pool.acquire();
        assertEquals(await answer(next, look), clean);
        assertEquals(pool.stats().opened, 1, "it was a new session");
      },
    );
  }
}

poolTest(
  'Promise 9: under reset "session" a temporary table is found in a fragment, too',
  async (t) => {
    await using world = poolWorld(t, { max: 1, reset: "session" });
    const { pool } = world;
    const leave = [
      () => pool`select 1 as a into ${pool`temp left_over`}`,
      () => pool`select 1 as a into ${pool(["pg_temp.left_over"][0]!)}`,
    ];
    for (const run of leave) {
      await run();
      const [row] = await pool`
        select count(*)::int from pg_class where relname = 'left_over'`;
      assertEquals(row?.count, 0);
    }
  },
);

poolTest(
  'Promise 9: under reset "session" the driver\'s prepared statements survive',
  async (t) => {
    await using world = poolWorld(t, { max: 1, reset: "session" });
    const { pool } = world;
    for (let round = 0; round < 3; round++) {
      await using connection = await pool.acquire();
      const rows = await connection`select ${round}::int as n`;
      assertEquals(rows[0]?.n, round);
    }
    const names = await pool.use((connection) =>
      connection`
      select name from pg_prepared_statements where statement = 'select $1::int as n'`
    );
    assertEquals(names.length, 1);
  },
);

for (const text of ["discard all", "deallocate all"]) {
  poolTest(
    `Promise 9: a borrower's "${text}" does not fail the next one's transaction`,
    async (t) => {
      const isReset: PoolOptions = {
        reset: async (connection) => void await connection.unsafe(text),
      };
      for (const options of [{}, isReset]) {
        await using world = poolWorld(t, { max: 1, ...options });
        const { pool } = world;
        const work = () =>
          pool.begin((tx) =>
            Promise.all([1, 2].map((n) => tx`select ${n}::int as n`))
          );
        for (let round = 0; round < 3; round++) {
          assertEquals((await work()).map(([row]) => row?.n), [1, 2]);
          await pool.use((lease) => lease.unsafe(text));
        }
        assertEquals(pool.stats().opened, 1);
      }
    },
  );
}

poolTest(
  'Promise 9: under reset "session" what onAcquire set for a lease ends with it, though that ran nothing, or never began',
  async (t) => {
    let gate = Promise.resolve();
    let tenant = "ann";
    await using world = poolWorld(t, {
      max: 1,
      reset: "session",
      async onAcquire(connection) {
        if (tenant === "") return;
        await connection`select set_config('app.tenant', ${tenant}, false)`;
        await gate;
      },
    });
    const { pool } = world;
    const see = async (sql: Sql) => {
      const [row] = await sql`
        select coalesce(current_setting('app.tenant', true), '') as tenant`;
      return row?.tenant;
    };
    await pool.use((lease) => assertEquals(lease.transactionStatus, "idle"));
    assertEquals(await see(pool), "");
    await pool.use(() => {});
    tenant = "";
    assertEquals(await pool.use(see), "");
    tenant = "bob";
    let open = () => {};
    gate = new Promise((resolve) => open = resolve);
    const controller = new AbortController();
    const gone = pool.acquire({ signal: controller.signal });
    const seen = see(pool);
    controller.abort("gone");
    await gone.catch(() => {});
    open();
    assertEquals(await seen, "");
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "A borrower who deallocates a statement of his own has no other prepared anew",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    for (let round = 0; round < 3; round++) {
      await world.pool.use(async (lease) => {
        await lease.unsafe("prepare mine as select 1");
        await lease.unsafe("deallocate mine");
        await lease`select ${round}::int as n`;
      });
    }
    const [row] = await world.pool`
      select count(*)::int from pg_prepared_statements
      where statement = ${"select $1::int as n"}`;
    assertEquals(row?.count, 1);
  },
);

poolTest(
  "Promise 10: a procedure that has committed is not called again for a plan that went stale in it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool, admin } = world;
    await admin`create table called (n int)`;
    await admin`
      create procedure call_it(isBad boolean) language plpgsql as $$ begin
        insert into called values (1);
        commit;
        if isBad then execute 'insert into called select ''x''::text'; end if;
      end $$`;
    await pool`call call_it(${false})`;
    await assertRejects(() => pool`call call_it(${true})`.execute());
    const [row] = await admin`select count(*)::int from called`;
    assertEquals(row?.count, 2);
    await admin`drop procedure call_it`;
    await admin`drop table called`;
  },
);

poolTest(
  "Promise 9: a transaction that has its plans forgotten goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using tx = await world.pool.begin();
    for (let round = 0; round < 3; round++) {
      const [row] = await tx`select ${round}::int as n`;
      assertEquals(row?.n, round);
      await tx`deallocate all`;
    }
    const [{ count }] = await tx`
      select count(*)::int from pg_prepared_statements` as [{ count: number }];
    assertEquals(count, 1);
  },
);

poolTest(
  'Promise 9: under reset "session" a session in a failed transaction is reset all the same',
  async (t) => {
    await using world = poolWorld(t, { max: 1, reset: "session" });
    const { pool } = world;
    {
      await using first = await pool.acquire();
      await first`set work_mem = '77MB'`;
      await first`begin`;
      await first`select 1/0`.catch(() => {});
      assertEquals(first.transactionStatus, "failed");
    }
    await using next = await pool.acquire();
    assertEquals(next.transactionStatus, "idle");
    assert(await answer(next, "show work_mem") !== "77MB");
    assertEquals(pool.stats().opened, 1);
  },
);

const LEFT_OPEN: Record<string, (sql: Sql) => Promise<unknown>> = {
  "an open transaction": async (sql) => await sql`begin`,
  "a failed transaction": async (sql) => {
    await sql`begin`;
    await sql`select 1/0`.catch(() => {});
  },
  "an open savepoint": async (sql) => {
    await sql`begin`;
    await sql`savepoint one`;
  },
  "a transaction that several statements opened": async (sql) =>
    await sql.unsafe("begin; select 1"),
};

for (const [what, leave] of Object.entries(LEFT_OPEN)) {
  for (const reset of ["rollback", "session"] as const) {
    poolTest(
      `Promise 9: under reset "${reset}" ${what} is rolled back, and the connection kept`,
      async (t) => {
        await using world = poolWorld(t, { max: 1, reset });
        const { pool } = world;
        const first = await pool.acquire();
        await leave(first);
        await first`create table promise_9 (a int)`.catch(() => {});
        await first.release();
        await using next = await pool.acquire();
        assertEquals(next.transactionStatus, "idle");
        assertEquals(next.pid, first.pid);
        assertEquals(
          await answer(next, "select to_regclass('promise_9') is null"),
          "true",
        );
      },
    );
  }

  poolTest(
    `Promise 9: under reset "none" ${what} ends the connection rather than travel on`,
    async (t) => {
      await using world = poolWorld(t, { max: 1, reset: "none" });
      const { pool } = world;
      const first = await pool.acquire();
      await leave(first);
      await first.release();
      await using next = await pool.acquire();
      assertEquals(next.transactionStatus, "idle");
      assert(next.pid !== first.pid);
    },
  );
}

poolTest(
  "Promise 9: a transaction that a one-shot of several statements opened is not the next one's",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool.unsafe("select 1; begin; create table promise_9b (a int)");
    const [row] = await pool`select to_regclass('promise_9b') as it`;
    assertEquals(row?.it, null);
    assertEquals(await transactions(pool), 2);
  },
);

const DISGUISES = [
  "begin",
  "BEGIN",
  " \n begin work",
  "-- a comment\nbegin",
  "/* a comment */ begin",
  "/* a /* nested */ comment */ begin",
  "start transaction",
  "START  TRANSACTION isolation level serializable",
  "; begin",
  "-- a comment\rbegin",
  "start/**/transaction",
];

poolTest(
  "Promise 9: no query on the pool begins a transaction that another then runs in",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (const disguise of DISGUISES) {
      const begun = pool(asTemplate(disguise)).execute();
      const beside = transactions(pool);
      const error = await begun.then(() => undefined, (error) => error);
      assertEquals(await beside, 2, `${disguise}: they ran in its transaction`);
      assert(
        error !== undefined,
        `${JSON.stringify(disguise)} was not refused`,
      );
      assertEquals(error.code, "UNSAFE_TRANSACTION", disguise);
    }
  },
);

poolTest(
  "Promise 9: a transaction begun by a fragment is not that of the queries beside it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (const begin of [pool`begin`, pool.unsafe("begin")]) {
      const refused = await assertRejects(async () => await pool`${begin}`);
      assertEquals((refused as { code?: string }).code, "UNSAFE_TRANSACTION");
    }
    for (const part of ["begin", "be"]) {
      const parts = [pool.unsafe(part)];
      const begun = pool`${parts as never}${
        pool.unsafe("begin".slice(part.length))
      }`.execute();
      const beside = transactions(pool);
      const behind = transactions(pool);
      await begun;
      assertEquals([await beside, await behind], [2, 2]);
    }
    await using lease = await pool.acquire();
    assertEquals(lease.transactionStatus, "idle");
  },
);

for (const reset of ["rollback", "session", "none"] as const) {
  poolTest(
    `Promise 9: under reset "${reset}" a statement still running at release ends with its connection, on the server too`,
    async (t) => {
      await using world = poolWorld(t, { max: 1, reset });
      const { pool } = world;
      const lease = await pool.acquire();
      const { pid } = lease;
      const running = lease`select pg_sleep(60)`.execute();
      running.catch(() => {});
      await eventually("it runs", async () => {
        const [row] = await world.admin`
        select state from pg_stat_activity where pid = ${pid}`;
        return row?.state === "active";
      });
      await lease.release();
      await using next = await pool.acquire();
      assert(next.pid !== pid);
      await eventually(
        "its backend is gone",
        async () => !(await world.pids()).includes(pid),
      );
      await assertRejects(async () => await running);
    },
  );
}

poolTest(
  "Promise 9: notices of the last borrower do not reach the next one's",
  async (t) => {
    const notices: string[] = [];
    await using world = poolWorld(t, {
      max: 1,
      onnotice: (notice) => notices.push(String(notice.message)),
    });
    const { pool } = world;
    await pool.use((connection) =>
      connection`do $$ begin raise notice 'first'; end $$`
    );
    await pool.use((connection) =>
      connection`do $$ begin raise notice 'second'; end $$`
    );
    assertEquals(notices, ["first", "second"]);
  },
);

poolTest(
  "Promise 9: a reset of one's own, and onRelease, see the session before the next borrower does",
  async (t) => {
    const seen: string[] = [];
    const options: PoolOptions = {
      max: 1,
      onRelease: async (connection: PooledConnection) => {
        seen.push(`${connection.transactionStatus} ${await answer(
          connection,
          "show work_mem",
        )}`);
      },
      reset: async (connection: PooledConnection) => {
        await connection`set work_mem = '5MB'`;
      },
    };
    await using world = poolWorld(t, options);
    const { pool } = world;
    {
      await using first = await pool.acquire();
      await first`set work_mem = '77MB'`;
      await first`begin`;
    }
    await using next = await pool.acquire();
    assertEquals(seen, ["idle 77MB"]);
    assertEquals(await answer(next, "show work_mem"), "5MB");
  },
);
