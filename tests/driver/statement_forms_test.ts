import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { Dialled, type Opened, plain } from "./dialled.ts";

const server = await sharedPostgres();
const dialled = new Dialled(server);

/** Registers a test on a connection of its own, which is quiet in the end. */
function form(name: string, body: (opened: Opened) => Promise<void>): void {
  Deno.test(name, async () => {
    await using opened = await dialled.open();
    await body(opened);
    assertEquals(plain(await opened.sql`select 1 as one`), [{ one: 1 }]);
    await opened.connection.quiesce();
    assertEquals(opened.connection.inFlight, 0);
    assertEquals(opened.connection.transactionStatus, "idle");
  });
}

form("a statement gives rows as objects", async ({ sql }) => {
  const rows = await sql`select ${1}::int as a, ${"x"} as b`;
  assertEquals([...rows], [{ a: 1, b: "x" }]);
  assertEquals(rows.count, 1);
  assertEquals(rows.command, "SELECT");
});

form(".values() gives rows as arrays", async ({ sql }) => {
  const rows = await sql`select 1 as a, 'x' as b union all select 2, 'y'`
    .values();
  assertEquals([...rows], [[1, "x"], [2, "y"]]);
});

form(".raw() gives the bytes as they came", async ({ sql }) => {
  const [row] = await sql`select 12 as a`.raw();
  assertEquals(new TextDecoder().decode(row![0]!), "12");
});

form("a cursor gives all rows in batches", async ({ sql }) => {
  const batches: number[][] = [];
  const query = sql<{ n: number }[]>`select n from generate_series(1, 7) n`;
  for await (const rows of query.cursor(3)) {
    batches.push(rows.map(({ n }) => n));
  }
  assertEquals(batches, [[1, 2, 3], [4, 5, 6], [7]]);
});

form("a cursor that is left half-way ends", async ({ sql, connection }) => {
  const query = sql<{ n: number }[]>`select n from generate_series(1, 99) n`;
  for await (const rows of query.cursor(2)) {
    assertEquals(connection.underWay.isSuspended, true);
    if (rows[0]!.n > 4) break;
  }
});

form("a cursor with a callback gives all rows in batches", async ({ sql }) => {
  const batches: number[][] = [];
  const query = sql<{ n: number }[]>`select n from generate_series(1, 5) n`;
  await query.cursor(2, async (rows) => {
    await Promise.resolve();
    batches.push(rows.map(({ n }) => n));
  });
  assertEquals(batches, [[1, 2], [3, 4], [5]]);
});

for (const rows of [2, 5, 9]) {
  for (const kind of ["throws", "rejects"]) {
    form(
      `a cursor whose callback ${kind} rejects with that (${rows} of 5 rows at once)`,
      async ({ sql }) => {
        const query = sql`select n from generate_series(1, 5) n`;
        const cursor = query.cursor(rows, () => {
          const error = new Error("Enough");
          if (kind === "throws") throw error;
          return Promise.reject(error);
        });
        await assertRejects(async () => await cursor, Error, "Enough");
      },
    );
  }
}

form(
  "statements behind an open cursor wait for their turn",
  async ({ sql }) => {
    const later: Promise<unknown>[] = [];
    const query = sql<{ n: number }[]>`select n from generate_series(1, 4) n`;
    for await (const rows of query.cursor(2)) {
      const { n } = rows[0]!;
      later.push(sql`select ${n}::int as n`.execute());
    }
    assertEquals(plain(await Promise.all(later)), [[{ n: 1 }], [{ n: 3 }]]);
  },
);

form(".forEach() calls for each row", async ({ sql }) => {
  const seen: number[] = [];
  const query = sql<{ n: number }[]>`select n from generate_series(1, 5) n`;
  await query.forEach(({ n }) => void seen.push(n));
  assertEquals(seen, [1, 2, 3, 4, 5]);
});

form(".describe() tells the columns and runs nothing", async ({ sql }) => {
  const { types, columns } = await sql`select ${1}::int + 1 as sum`.describe();
  assertEquals(types, [23]);
  assertEquals(columns.map(({ name, type }) => [name, type]), [["sum", 23]]);
});

form(".simple() runs several statements", async ({ sql }) => {
  const results = await sql`select 1 as a; select 2 as b`.simple();
  assertEquals(plain(results), [[{ a: 1 }], [{ b: 2 }]]);
});

// The types leave out that each is a query still.
const simply = (query: unknown): Promise<unknown> =>
  (query as { simple(): Promise<unknown> }).simple();

const FAILING_SIMPLY: Record<string, (sql: Opened["sql"]) => unknown> = {
  "with a parameter": (sql) => sql`select ${1}::int`,
  "of text, with a parameter": (sql) => sql.unsafe("select $1::int", [1]),
  "that was a cursor": (sql) => sql`select wrong`.cursor(1, () => {}),
  "that was to be described": (sql) => sql`select wrong`.describe(),
};

for (const [what, query] of Object.entries(FAILING_SIMPLY)) {
  form(`a simple query ${what} fails alone`, async ({ sql }) => {
    const outcome = simply(query(sql)).then(() => "ok", ({ code }) => code);
    const others = [1, 2, 3, 4].map((n) => {
      const other = sql<{ n: number }[]>`select ${sql.unsafe(`${n}`)} as n`;
      return n % 2 === 0 ? other.simple() : other;
    });
    const numbers = (await Promise.all(others)).map(([row]) => row!.n);
    assertEquals(numbers, [1, 2, 3, 4]);
    assertEquals(["42P02", "42703"].includes(await outcome), true);
  });
}

form("unsafe() runs text, with and without parameters", async ({ sql }) => {
  assertEquals([...await sql.unsafe("select 1 as a")], [{ a: 1 }]);
  const rows = await sql.unsafe("select $1::int as a", [2]);
  assertEquals([...rows], [{ a: 2 }]);
});

form("fragments and helpers become part of a statement", async ({ sql }) => {
  await sql`create temp table people (id int, name text)`;
  await sql`insert into people ${
    sql([{ id: 1, name: "Ada" }, {
      id: 2,
      name: "Grace",
    }])
  }`;
  await sql`update people set ${sql({ name: "Eve" }, "name")} where id = ${2}`;
  const isNamed = (name: string) => sql`where name = ${name}`;
  const rows = await sql`select ${sql("id")} from people ${isNamed("Eve")}`;
  assertEquals([...rows], [{ id: 2 }]);
  const found = await sql`select id from people where id in ${sql([1, 2])}`;
  assertEquals(found.count, 2);
});

form("sql.json() and sql.array() keep their values", async ({ sql }) => {
  const value = { deep: [1, { a: null }], quote: 'it\'s "so"' };
  const [row] = await sql`
    select ${sql.json(value)}::jsonb as json, ${
    sql.array([3, 4])
  }::int[] as ints`;
  assertEquals(plain(row), { json: value, ints: [3, 4] });
});

form("arrays of any type come back as arrays", async ({ sql }) => {
  const [row] = await sql`
    select ${[1, 2]}::int[] as ints, ${["a", 'b"c']}::text[] as texts,
      ${sql.array([true, false])} as bools, '{{1,2},{3,4}}'::int[] as nested,
      ${sql.array([new Date(0)])} as dates, '{}'::int[] as none`;
  assertEquals(plain(row), {
    ints: [1, 2],
    texts: ["a", 'b"c'],
    bools: [true, false],
    nested: [[1, 2], [3, 4]],
    dates: [new Date(0)],
    none: [],
  });
});

Deno.test("arrays of an enum that is there when the first connection is come back as arrays", async () => {
  const name = `mood_${crypto.randomUUID().replaceAll("-", "")}`;
  await using admin = await dialled.open();
  const { sql } = admin;
  await sql`create type ${sql(name)} as enum ('sad', 'happy day')`;
  try {
    const fresh = new Dialled(server);
    for (const which of ["first", "second"]) {
      await using opened = await fresh.open();
      const rows = await opened.sql.unsafe(
        `select '{sad,"happy day"}'::${name}[] as moods`,
      );
      assertEquals([...rows], [{ moods: ["sad", "happy day"] }], which);
    }
  } finally {
    await sql`drop type ${sql(name)}`;
  }
});

form(
  "COPY takes a stream in and gives one out",
  async ({ sql, connection }) => {
    await sql`create temp table copied (n int, t text)`;
    const lines = Array.from({ length: 5_000 }, (_, n) => `${n}\tline ${n}\n`);
    const into = await sql`copy copied from stdin`.writable();
    assertEquals(connection.inFlight, 1);
    await pipeline(Readable.from(lines), into);
    assertEquals(
      [...await sql`select count(*)::int as n, sum(n)::int as sum from copied`],
      [{ n: 5_000, sum: 12_497_500 }],
    );
    const chunks: string[] = [];
    const out = await sql`copy (select * from copied order by n) to stdout`
      .readable();
    for await (const chunk of out) chunks.push(String(chunk));
    assertEquals(chunks.join(""), lines.join(""));
  },
);

form(
  "a COPY that fails rejects its stream, and hurts no other",
  async ({ sql }) => {
    await sql`create temp table copied (n int)`;
    const stream = await sql`copy copied from stdin`.writable();
    const later = sql`select 2 as two`.execute();
    await assertRejects(
      () => pipeline(Readable.from(["1\n", "two\n"]), stream),
      Error,
      "invalid input syntax",
    );
    assertEquals([...await later], [{ two: 2 }]);
    assertEquals([...await sql`select n from copied`], []);
  },
);

form("a COPY that its user gives up is undone", async ({ sql }) => {
  await sql`create temp table copied (n int)`;
  const stream = await sql`copy copied from stdin`.writable();
  stream.write("1\n");
  stream.destroy(new Error("Changed my mind"));
  assertEquals([...await sql`select n from copied`], []);
});

form("a server error has its code, and hurts no other", async ({ sql }) => {
  const all = await Promise.allSettled([
    sql`select 1 as a`,
    sql`select 1 / 0`,
    sql`select 2 as b`,
  ]);
  assertEquals(
    all.map((one) =>
      one.status === "fulfilled" ? one.value[0] : one.reason.code
    ) as unknown,
    [{ a: 1 }, "22012", { b: 2 }],
  );
});

form(
  "statements in flight together get their own rows",
  async ({ sql, connection }) => {
    const read = (n: number) => sql`select ${n}::int as n`;
    await read(0);
    const all = Array.from({ length: 50 }, (_, n) => read(n));
    const done = Promise.all(all);
    await Promise.resolve().then(() => {});
    assert(connection.inFlight > 1);
    assertEquals((await done).map(([row]) => row!.n), all.map((_, n) => n));
  },
);

form("a prepared statement is prepared once", async ({ sql }) => {
  for (let n = 0; n < 3; n++) await sql`select ${n}::int as once_prepared`;
  const [row] = await sql`
    select count(*)::int as count from pg_prepared_statements
    where statement like '%once\\_prepared%' and statement not like '%pg_prep%'`;
  assertEquals(row!.count, 1);
});
