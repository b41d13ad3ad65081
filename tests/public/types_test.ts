/**
 * What the types promise.
 *
 * Whatever does not hold fails the type check, before a test is run; what a
 * type promises of a value is then looked at on a real server as well.
 */
import {
  createPool,
  type LimitedSql,
  type Pool,
  type PooledConnection,
  type PoolEventMap,
  type Sql,
  type Transaction,
} from "@tidepool/postgres";
import postgres from "postgres";
import { assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

/** The members of the driver's `sql` that a pool does not have. */
type Absent = "listen" | "subscribe" | "largeObject";

/** The driver's `sql`, less what a pool does not have. */
// deno-lint-ignore ban-types -- as in the driver: no custom types
interface PortableSql<Types extends Record<string, unknown> = {}>
  extends
    postgres.ISql<Types>,
    Omit<postgres.Sql<Types>, Absent | "reserve" | keyof postgres.ISql> {
  reserve(): Promise<PortableSql<Types> & { release(): void }>;
}

/** Whether two types are the same, and not only assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles only if its type argument holds. */
function holds<_Claim extends true>(): void {}

interface User {
  id: number;
  name: string;
}

const server = await sharedPostgres();

/** Runs `body` with a pool of its own, and sees its sessions end. */
async function withPool(
  body: (pool: Pool) => Promise<void>,
): Promise<void> {
  const applicationName = uniqueApplicationName();
  const url = server.urlFor({ applicationName });
  {
    await using pool = createPool(url, { max: 2 });
    await body(pool);
  }
  await waitForNoSessions(server.url, applicationName);
}

/** Written for the driver: what a query builder or an old program does. */
async function countUp(sql: PortableSql): Promise<number[]> {
  const steps: number[] = [];
  const [one] = await sql<{ n: number }[]>`select 1::int as n`;
  steps.push(one?.n ?? NaN);
  const two = await sql.unsafe<{ n: number }[]>("select $1::int as n", [2]);
  steps.push(two[0]?.n ?? NaN);
  steps.push(
    await sql.begin(async (tx: postgres.TransactionSql) => {
      const [three] = await tx<{ n: number }[]>`select 3::int as n`;
      return three?.n ?? NaN;
    }),
  );
  const reserved = await sql.reserve();
  const [four] = await reserved<{ n: number }[]>`select 4::int as n`;
  reserved.release();
  steps.push(four?.n ?? NaN);
  return steps;
}

Deno.test("a function written for the driver's sql takes a pool, a lease and a transaction", async () => {
  await withPool(async (pool) => {
    assertEquals(await countUp(pool), [1, 2, 3, 4]);
    await using connection = await pool.acquire();
    assertEquals(await countUp(connection), [1, 2, 3, 4]);
    await using tx = await pool.begin();
    assertEquals(await countUp(tx), [1, 2, 3, 4]);
    await tx.commit();
  });
});

Deno.test("a function written for our Sql takes a pool, a lease and a transaction", async () => {
  async function greet(sql: Sql, name: string): Promise<string> {
    const [row] = await sql<{ text: string }[]>`
      select 'hello ' || ${name} as text`;
    return row?.text ?? "";
  }
  await withPool(async (pool) => {
    assertEquals(await greet(pool, "pool"), "hello pool");
    await using connection = await pool.acquire();
    assertEquals(await greet(connection, "lease"), "hello lease");
    const inner = await connection.begin();
    assertEquals(await greet(inner, "transaction"), "hello transaction");
    await inner.commit();
  });
});

/** Written for the driver: the body of a transaction. */
async function body(tx: postgres.TransactionSql): Promise<string> {
  const [kept] = await tx.savepoint((inner) => [inner`select 1::int as n`]);
  return `${kept.count} row`;
}

Deno.test("a callback written for the driver's TransactionSql works in begin()", async () => {
  await withPool(async (pool) => {
    assertEquals(await pool.begin(body), "1 row");
    assertEquals(await pool.begin("read only", body), "1 row");
    await using connection = await pool.acquire();
    assertEquals(await connection.begin(body), "1 row");
    assertEquals(await connection.transaction(body), "1 row");
  });
});

Deno.test("begin() answers a Transaction, or what its callback returns", async () => {
  await withPool(async (pool) => {
    await using tx = await pool.begin({ isolation: "repeatable read" });
    holds<Same<typeof tx, Transaction>>();
    await tx.rollback();
    const text = await pool.begin(() => "done");
    holds<Same<typeof text, string>>();
    const number = await pool.begin("read only", () => Promise.resolve(7));
    holds<Same<typeof number, number>>();
    const level = await pool.begin(
      { isolation: "serializable" },
      async (tx) =>
        (await tx<{ level: string }[]>`
        select current_setting('transaction_isolation') as level`)[0]?.level,
    );
    holds<Same<typeof level, string | undefined>>();
    // As in the driver: the queries of an array are awaited.
    const [users, count] = await pool.begin((tx) =>
      [tx<User[]>`select 1 as id, 'Ada' as name`, 2] as const
    );
    holds<Same<typeof count, 2>>();
    const name: string | undefined = users[0]?.name;
    const made = await pool.transaction((tx) => tx`select 1`, { retries: 2 });
    const used = await pool.use((connection) => connection.pid);
    holds<Same<typeof used, number>>();
    assertEquals([text, number, level, name, made.count], [
      "done",
      7,
      "serializable",
      "Ada",
      1,
    ]);
  });
});

Deno.test("the values of custom types are inferred from the options", () => {
  interface Point {
    x: number;
    y: number;
  }
  const point = {
    to: 600,
    from: [600],
    serialize: ({ x, y }: Point) => `(${x},${y})`,
    parse: (text: string): Point => {
      const [x = 0, y = 0] = text.slice(1, -1).split(",").map(Number);
      return { x, y };
    },
  };
  const types = { point, bigint: postgres.BigInt };
  const pool = createPool("postgres://u@127.0.0.1/d", { types });
  const same = createPool({ host: "127.0.0.1", username: "u", types });
  holds<Same<typeof pool, Pool<{ point: Point; bigint: bigint }>>>();
  holds<Same<typeof same, typeof pool>>();
  holds<Same<Parameters<typeof pool.types.point>, [value: Point]>>();
  const parameter = pool.types.point({ x: 1, y: 2 });
  assertEquals(parameter.type, 600);
  const query = pool`select ${{ x: 1, y: 2 }}, ${12n}, ${parameter}`;
  // @ts-expect-error: neither a value the driver knows nor one of the types
  const other = pool`select ${Symbol("x")}`;
  // @ts-expect-error: no type has this name
  const unknown = pool.types.line;
  const plain = createPool("postgres://u@127.0.0.1/d");
  holds<Same<typeof plain, Pool>>();
  // @ts-expect-error: this pool has no types of its own
  const wrong = plain`select ${12n}`;
  assertEquals([query, other, wrong].map((lazy) => typeof lazy.then), [
    "function",
    "function",
    "function",
  ]);
  assertEquals(unknown, undefined);
});

Deno.test("rows, values, cursors and descriptions have the types of the driver", async () => {
  await withPool(async (pool) => {
    const users = await pool<User[]>`select 1 as id, 'Ada' as name`;
    holds<Same<(typeof users)[number], User>>();
    const [values] = await pool<User[]>`select 1 as id, 'Ada' as name`.values();
    holds<Same<typeof values, (string | number)[] | undefined>>();
    const [raw] = await pool<User[]>`select 1 as id, 'Ada' as name`.raw();
    const bytes: Uint8Array[] | undefined = raw;
    const batches: User[][] = [];
    const cursor = pool<User[]>`select 1 as id, 'Ada' as name`.cursor(10);
    for await (const batch of cursor) batches.push(batch);
    const { columns } = await pool`select 1 as id`.describe();
    assertEquals(users[0], { id: 1, name: "Ada" });
    assertEquals(values, [1, "Ada"]);
    assertEquals(bytes?.map((cell) => cell.length), [1, 3]);
    assertEquals(batches.flat().map(({ name }) => name), ["Ada"]);
    assertEquals(columns.map(({ name }) => name), ["id"]);
  });
});

Deno.test("the driver's helpers make identifiers, values, lists and fragments", async () => {
  await withPool(async (pool) => {
    const user: User = { id: 1, name: "Ada" };
    const isNamed = pool`name = ${"Ada"}`;
    const [found] = await pool<User[]>`
      with users (id, name) as (values ${pool([[1, "Ada"], [2, "Bob"]])})
      select ${pool("id", "name")} from users
      where ${isNamed} and id::int in ${pool([1, 2])}`;
    assertEquals(found?.name, "Ada");
    const [text] = await pool<{ text: string; list: number[] }[]>`
      select ${
      pool.json({ user: { ...user } })
    }::jsonb #>> '{user,name}' as text,
        ${pool.array([1, 2])}::int[] as list`;
    assertEquals(text, { text: "Ada", list: [1, 2] });
    // @ts-expect-error: a user has no such column
    const wrong = pool(user, "email");
    assertEquals(typeof wrong, "object");
  });
});

Deno.test("with() gives what runs queries, and nothing that would outlive its limits", async () => {
  await withPool(async (pool) => {
    const limited = pool.with({ timeoutMs: 5_000 });
    holds<Same<typeof limited, LimitedSql>>();
    const [row] = await limited<{ n: number }[]>`select 1::int as n`;
    assertEquals(row?.n, 1);
    // @ts-expect-error: a limit is for queries
    assertEquals(limited.begin, undefined);
    // @ts-expect-error: a limit has no such name
    const misspelt = () => pool.with({ timeoutMS: 5_000 });
    assertEquals(misspelt.length, 0);
  });
});

Deno.test("the driver's options are taken as they are, and a program that listens is not", () => {
  const options: postgres.Options<Record<string, never>> = {
    host: "127.0.0.1",
    username: "u",
    max: 5,
    idle_timeout: 20,
    prepare: false,
    transform: postgres.camel,
  };
  const pool = createPool(options);
  // @ts-expect-error: a pool does not listen, subscribe or open large objects
  const driver: postgres.Sql = pool;
  assertEquals(driver.options.max, 5);
});

Deno.test("misuse does not compile", () => {
  const misuses: ((pool: Pool, lease: PooledConnection) => unknown)[] = [
    // @ts-expect-error: no such option
    () => createPool({ maxConnections: 10 }),
    // @ts-expect-error: milliseconds are a number
    () => createPool({ acquireTimeoutMs: "10s" }),
    // @ts-expect-error: no such reset
    () => createPool({ reset: "discard" }),
    // @ts-expect-error: no such isolation level
    (pool) => pool.begin({ isolation: "snapshot" }),
    // @ts-expect-error: only a pool leases connections
    (_, lease) => lease.acquire(),
    // @ts-expect-error: a lease is released, a pool closed
    (pool) => pool.release(),
    // @ts-expect-error: the name is told, not set
    (pool) => pool.name = "other",
    // @ts-expect-error: statistics are a picture
    (pool) => pool.stats().idle = 1,
    // @ts-expect-error: no such event
    (pool) => pool.addEventListener("opened", () => {}),
    // @ts-expect-error: absent
    (pool) => pool.listen("channel", () => {}),
    // @ts-expect-error: absent
    (pool) => pool.subscribe("*", () => {}),
    // @ts-expect-error: absent
    (pool) => pool.largeObject(),
  ];
  assertEquals(misuses.every((misuse) => typeof misuse === "function"), true);
});

Deno.test("a listener is told the event of its type", () => {
  const told: PoolEventMap["close"]["reason"][] = [];
  const pool = createPool("postgres://u@127.0.0.1/d");
  pool.addEventListener("close", ({ reason, pid }) => {
    holds<Same<typeof pid, number>>();
    told.push(reason);
  });
  // @ts-expect-error: a release has no reason
  pool.addEventListener("release", ({ reason }) => reason);
  assertEquals(told, []);
});
