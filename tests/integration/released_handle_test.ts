import {
  LeaseReleasedError,
  type PooledConnection,
  PoolError,
  type Sql,
} from "../../mod.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  fail,
} from "../support/assert.ts";
import { poolTest, type PoolWorld, poolWorld } from "../support/pool_world.ts";

type Use = (handle: Sql) => unknown;

/** Every way to use a handle; each would leave a mark on the server. */
const USES: Record<string, Use> = {
  "a tagged query": (sql) => sql`insert into mark values (1)`,
  ".values()": (sql) => sql`insert into mark values (1)`.values(),
  ".raw()": (sql) => sql`insert into mark values (1)`.raw(),
  ".simple()": (sql) => sql`insert into mark values (1)`.simple(),
  ".execute()": (sql) => sql`insert into mark values (1)`.execute(),
  ".describe()": (sql) => sql`insert into mark values (1)`.describe(),
  ".forEach()": (sql) =>
    sql`insert into mark values (1) returning a`.forEach(() => {}),
  ".cursor(fn)": (sql) =>
    sql`insert into mark values (1) returning a`.cursor(1, () => {}),
  "a cursor's iterator": async (sql) => {
    const query = sql`insert into mark values (1) returning a`;
    for await (const _rows of query.cursor(1)) fail("It answered rows");
  },
  ".readable()": (sql) => sql`copy mark to stdout`.readable(),
  ".writable()": (sql) => sql`copy mark from stdin`.writable(),
  "unsafe()": (sql) => sql.unsafe("insert into mark values (1)"),
  "unsafe() with parameters": (sql) =>
    sql.unsafe("insert into mark values ($1)", [1]),
  "unsafe() with several statements": (sql) =>
    sql.unsafe("insert into mark values (1); insert into mark values (2)"),
  "file()": async (sql) => {
    const path = await Deno.makeTempFile({ suffix: ".sql" });
    try {
      await Deno.writeTextFile(path, "insert into mark values (1)");
      await sql.file(path);
    } finally {
      await Deno.remove(path);
    }
  },
  "begin()": (sql) => sql.begin(),
  "begin(fn)": (sql) => sql.begin((tx) => tx`insert into mark values (1)`),
  "transaction(fn)": (sql) =>
    sql.transaction((tx) => tx`insert into mark values (1)`),
  "with()": (sql) => sql.with({ timeoutMs: 100 })`insert into mark values (1)`,
  "with().unsafe()": (sql) =>
    sql.with({ signal: new AbortController().signal })
      .unsafe("insert into mark values (1)"),
  "notify()": (sql) => sql.notify("mark", "1"),
  "reserve()": (sql) => sql.reserve(),
};

/** A table that a released handle would leave a mark in. */
async function makeTable(world: PoolWorld): Promise<AsyncDisposable> {
  const schema = `s${crypto.randomUUID().replaceAll("-", "")}`;
  await world.admin.unsafe(
    `create schema ${schema}; create table ${schema}.mark (a int)`,
  );
  await world.pool.use((connection) =>
    connection.unsafe(`set search_path to ${schema}`)
  );
  return {
    async [Symbol.asyncDispose]() {
      const rows = await world.admin.unsafe(`select a from ${schema}.mark`);
      await world.admin.unsafe(`drop schema ${schema} cascade`);
      assertEquals([...rows], [], "a released handle has run something");
    },
  };
}

for (const [name, use] of Object.entries(USES)) {
  poolTest(
    `Promise 8: a released handle reaches no wire: ${name}`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const { pool } = world;
      await using _table = await makeTable(world);
      const lease = await pool.acquire();
      const other = await lease.reserve();
      const limited = lease.with({ timeoutMs: 5_000 });
      await lease.release();
      await using next = await pool.acquire();
      await using tx = await next.begin();
      for (const handle of [lease, other, limited as Sql]) {
        if (
          handle === limited as unknown as Sql && !isDriverUse(name)
        ) continue;
        const error = await failure(async () => await use(handle));
        assertInstanceOf(error, LeaseReleasedError, `${error}`);
      }
      assertEquals(next.transactionStatus, "open");
      assertEquals((await tx`select 1 as one`)[0]?.one, 1);
      await tx.rollback();
    },
  );
}

/** Whether a limited scope can do it as well: it is the driver's tag alone. */
function isDriverUse(name: string): boolean {
  return /^[.a]|^unsafe|^file/.test(name);
}

poolTest(
  "Promise 8: lazy queries made before a release and awaited after it are refused",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using _table = await makeTable(world);
    const lease = await pool.acquire();
    const lazy = Object.entries(USES)
      .filter(([name]) => /^\.|^a tagged|^unsafe|^with/.test(name))
      .filter(([name]) =>
        !/execute|readable|writable|forEach|fn|describe/.test(name)
      )
      .map(([, use]) => use(lease) as PromiseLike<unknown>);
    await lease.release();
    await using _next = await pool.acquire();
    for (const query of lazy) {
      await assertRejects(async () => await query, LeaseReleasedError);
    }
  },
);

poolTest(
  "Promise 8: a cursor made before a release and iterated after it is refused",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using _table = await makeTable(world);
    const lease = await world.pool.acquire();
    const cursor = lease`insert into mark values (1) returning a`.cursor(1);
    await lease.release();
    await assertRejects(async () => {
      for await (const _rows of cursor) fail("It answered rows");
    }, LeaseReleasedError);
  },
);

poolTest(
  "Promise 8: a query executed and released in the same turn settles, and runs nowhere else",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const query = failure(async () => await lease`select 1`);
    void lease.release();
    await using next = await pool.acquire();
    assertInstanceOf(await query, PoolError);
    assertEquals((await next`select 2 as two`)[0]?.two, 2);
  },
);

poolTest(
  "Promise 8: a cursor that is open at release ends with LeaseReleasedError, and not its session",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const { pid } = lease;
    const error = await failure(async () => {
      const cursor = lease`select generate_series(1, 100)`.cursor(1);
      for await (const _rows of cursor) await lease.release();
    });
    assertInstanceOf(error, LeaseReleasedError);
    await using next = await pool.acquire();
    assertEquals(next.pid, pid);
    assertEquals((await next`select 2 as two`)[0]?.two, 2);
  },
);

poolTest(
  "Promise 8: a stream that is open at release ends with LeaseReleasedError, and not its session",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const { pid } = lease;
    const readable = await lease`
    copy (select repeat('x', 1000), generate_series(1, 1000000000)) to stdout`
      .readable();
    const error = await failure(async () => {
      let chunks = 0;
      for await (const _chunk of readable) {
        if (++chunks === 2) await lease.release();
      }
    });
    assertInstanceOf(error, LeaseReleasedError);
    await using next = await pool.acquire();
    assertEquals(next.pid, pid);
    assertEquals((await next`select 2 as two`)[0]?.two, 2);
  },
);

poolTest(
  "Promise 8: a COPY into a table that is open at release leaves nothing in it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using _table = await makeTable(world);
    const lease = await pool.acquire();
    const writable = await lease`copy mark from stdin`.writable();
    const ended = new Promise((resolve) => writable.on("error", resolve));
    writable.write("1\n");
    await lease.release();
    await using _next = await pool.acquire();
    writable.write("2\n");
    writable.end();
    assertInstanceOf(await ended, Error);
  },
);

poolTest(
  "Promise 8: a transaction reaches no wire once it has ended, nor do its savepoints",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using _table = await makeTable(world);
    const tx = await pool.begin();
    const savepoint = await tx.savepoint();
    const inner = await savepoint.savepoint();
    await tx.rollback();
    await using next = await pool.acquire();
    for (const handle of [tx, savepoint, inner]) {
      const uses: Use[] = [
        ...Object.values(USES).filter((use) => use !== USES["reserve()"]),
        () => handle.savepoint(),
        () => handle.savepoint((sp) => sp`insert into mark values (1)`),
        () => handle.commit(),
        () => handle.rollback(),
      ];
      for (const use of uses) {
        assertInstanceOf(
          await failure(async () => await use(handle)),
          PoolError,
          String(use),
        );
      }
      await handle.end();
    }
    assertEquals(next.transactionStatus, "idle");
    assertEquals((await next`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 8: the transaction of a lease that was released reaches no wire",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using _table = await makeTable(world);
    const lease: PooledConnection = await pool.acquire();
    const tx = await lease.begin();
    await tx`insert into mark values (7)`;
    await lease.release();
    await using next = await pool.acquire();
    for (const use of Object.values(USES)) {
      assertInstanceOf(
        await failure(async () => await use(tx)),
        PoolError,
        String(use),
      );
    }
    assertInstanceOf(await failure(() => tx.savepoint()), PoolError);
    assertInstanceOf(await failure(() => tx.commit()), PoolError);
    assertEquals(next.transactionStatus, "idle");
    assertEquals((await next`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 8: cancel() on a query of a released handle hits nobody",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const lease = await pool.acquire();
    const done = lease`select 1`;
    await done;
    const lazy = lease`select 2`;
    await lease.release();
    await using next = await pool.acquire();
    const running = next`select pg_sleep(0.05), 3 as three`.execute();
    done.cancel();
    lazy.cancel();
    assertInstanceOf(await failure(async () => await lazy), Error);
    assertEquals((await running)[0]?.three, 3);
  },
);

/** What a body rejects with. */
async function failure(body: () => Promise<unknown>): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    return error;
  }
  throw new Error("Cannot tell the failure: there was none");
}
