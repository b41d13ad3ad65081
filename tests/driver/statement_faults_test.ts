import {
  assert,
  assertEquals,
  assertExists,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";

import { Dialled, plain, untilSleeping } from "./dialled.ts";
import { until } from "./fake_transport.ts";

const server = await sharedPostgres();
const dialled = new Dialled(server);
const circular: Record<string, unknown> = {};
circular.self = circular;

const throwing = {
  picky: {
    to: 25,
    from: [],
    serialize: (value: string) => {
      if (value === "bad") throw new TypeError("Too picky for that");
      return value;
    },
    parse: (value: string) => value,
  },
};

Deno.test("an unwritable statement gets its own error, and its neighbours their rows", async () => {
  await using opened = await dialled.open();
  const { sql } = opened;
  const all = await Promise.allSettled([
    sql`select pg_sleep(0.05), 1 as one`,
    sql`select ${undefined as never} as bad`,
    sql`select 2 as two`,
    sql`select ${Symbol("no") as never} as bad`,
    sql`select 3 as three`,
  ]);
  assertEquals(
    all.map((one) =>
      one.status === "fulfilled"
        ? plain(one.value)
        : String(one.reason).split(":")[1]?.trim().slice(0, 9)
    ),
    [
      [{ pg_sleep: "", one: 1 }],
      "UNDEFINED",
      [{ two: 2 }],
      "Cannot co",
      [{ three: 3 }],
    ],
  );
  await opened.connection.quiesce();
  assertEquals(opened.finished, 5);
});

Deno.test("an unwritable statement that is the last in line leaves the connection usable", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const slow = sql`select pg_sleep(0.05), 1 as one`.execute();
  const bad = assertRejects(
    async () => await sql`select ${undefined as never} as bad`,
    Error,
    "UNDEFINED_VALUE",
  );
  await Promise.all([slow, bad]);
  await connection.quiesce();
  assertEquals(plain(await sql`select 2 as two`), [{ two: 2 }]);
  assertEquals(connection.inFlight, 0);
});

Deno.test("several unwritable statements in a row hurt nobody", async () => {
  await using opened = await dialled.open();
  const { sql } = opened;
  const slow = sql`select pg_sleep(0.05), 1 as one`.execute();
  const bad = Array.from(
    { length: 3 },
    () => sql`select ${undefined as never} as bad`.catch((e) => e.code),
  );
  const good = sql`select ${2}::int as two`;
  assertEquals(await Promise.all(bad), Array(3).fill("UNDEFINED_VALUE"));
  assertEquals(plain(await good), [{ two: 2 }]);
  await slow;
});

Deno.test("a serializer that throws for a prepared statement hurts only that statement", async () => {
  const picky = new Dialled(server, { types: throwing });
  await using opened = await picky.open();
  const { sql } = opened;
  const read = (value: string) =>
    sql`select ${sql.typed(value, 25)}::text as value`;
  await read("first");
  const all = await Promise.allSettled([
    read("a"),
    read("bad"),
    read("c"),
    read("bad"),
  ]);
  assertEquals(
    all.map((one) =>
      one.status === "fulfilled" ? one.value[0]?.value : one.reason.message
    ),
    ["a", "Too picky for that", "c", "Too picky for that"],
  );
  assertEquals(plain(await read("again")), [{ value: "again" }]);
});

Deno.test("circular JSON is refused alone, first in line and behind others", async () => {
  await using opened = await dialled.open();
  const { sql } = opened;
  const write = (value: unknown) =>
    sql`select ${sql.json(value as never)}::jsonb as json`;
  await assertRejects(async () => await write(circular), TypeError);
  await write({ a: 1 });
  const [before, bad, after] = await Promise.allSettled([
    write({ a: 2 }),
    write(circular),
    write({ a: 3 }),
  ]);
  assertEquals(before.status === "fulfilled" && plain(before.value), [{
    json: { a: 2 },
  }]);
  assert(bad.status === "rejected" && bad.reason instanceof TypeError);
  assertEquals(after.status === "fulfilled" && plain(after.value), [{
    json: { a: 3 },
  }]);
});

Deno.test("the error of an unwritable statement shows its own SQL, never its neighbour's", async () => {
  await using opened = await dialled.open();
  const { sql } = opened;
  const read = (secret: unknown) =>
    sql`select ${secret as string}::text as secret, pg_sleep(0.02)`;
  await read("x");
  const neighbour = read("of somebody else").execute();
  const error = await read({ toString: () => assert(false, "Cannot") })
    .catch((error) => error);
  const undefinedError = await sql`select ${undefined as never} as mine`
    .catch((error) => error);
  for (const one of [error, undefinedError]) {
    const shown = Deno.inspect([
      one.query,
      one.parameters,
      one.args,
      one.stack,
    ]);
    assertEquals(shown.includes("of somebody else"), false, shown);
  }
  assertEquals(undefinedError.args, [undefined]);
  await neighbour;
});

Deno.test("the error of a statement that cannot be written shows it, behind another or not", async () => {
  await using opened = await dialled.open();
  const { sql } = opened;
  const failing = () =>
    sql`select ${undefined as never} as mine`.catch((error) => error);
  const alone = await failing();
  const neighbour = sql`select 1`.execute();
  const behind = await failing();
  await neighbour;
  for (const error of [alone, behind]) {
    assertEquals(error.code, "UNDEFINED_VALUE");
    assertEquals(error.args, [undefined]);
    for (const name of ["query", "parameters", "types"]) assert(name in error);
  }
});

Deno.test("a cursor that its caller gave up ends when it is cancelled", async () => {
  await using opened = await dialled.open();
  await using watcher = await dialled.open();
  const { sql, connection } = opened;
  const query = sql`select pg_sleep(30) from generate_series(1, 9)`;
  const step = query.cursor(1)[Symbol.asyncIterator]().next();
  await untilSleeping(watcher, connection.pid);
  const ended = new Promise<void>((resolve) => opened.last!.onEnd = resolve);
  opened.last!.abandon(new Error("Enough"));
  assertEquals([connection.underWay.isAbandoned, connection.inFlight], [
    true,
    1,
  ]);
  await assertRejects(() => step, Error, "Enough");
  await connection.cancel();
  await ended;
  await connection.quiesce();
  assertEquals(plain(await sql`select 1 as one`), [{ one: 1 }]);
});

Deno.test("an abandoned statement gives its caller the error, and ends later", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const query = sql`select pg_sleep(0.05)`;
  const outcome = query.catch((error) => error.message);
  await until(() => opened.last?.isSent === true, "statement sent");
  opened.last!.abandon(new Error("Enough"));
  assertEquals(await outcome, "Enough");
  assertEquals([connection.inFlight, connection.underWay.isAbandoned], [
    1,
    true,
  ]);
  await connection.quiesce();
  assertEquals(opened.finished, 1);
});

Deno.test("a statement that is abandoned before its turn is never sent", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  await sql`create temp table marks (n int)`;
  const blocking = sql`select pg_sleep(0.05), ${1}::int as n`.execute();
  const query = sql`insert into marks values (1)`;
  const outcome = query.catch((error) => error.message);
  await until(() => opened.lastText?.startsWith("insert") === true, "insert");
  opened.last!.abandon(new Error("Enough"));
  await blocking;
  await connection.quiesce();
  assertEquals(await outcome, "Enough");
  assertEquals(plain(await sql`select n from marks`), []);
  await until(() => opened.finished === 4, "end of each");
});

Deno.test("a statement longer than the driver's buffer counts as sent at once", async () => {
  await using opened = await dialled.open();
  const { sql } = opened;
  const read = (text: string) => sql`select length(${text}) as length`;
  await read("prepared");
  const sent: boolean[] = [];
  opened.onRun = ({ isSent }) => sent.push(isSent);
  assertEquals(plain(await read("x".repeat(5_000))), [{ length: 5_000 }]);
  await read("short");
  assertEquals(sent, [true, false]);
});

for (const prepare of [true, false]) {
  Deno.test(`a recalled statement runs on another connection as if it were the first (prepare: ${prepare})`, async () => {
    const each = new Dialled(server, { prepare });
    await using first = await each.open();
    await using second = await each.open();
    const [one, other] = [first.connection, second.connection];
    // One that has serialized its parameters, but whose bytes never left.
    const values = { flag: true, json: { a: [1] }, date: new Date(0) };
    const text = "select flag, json, date, pg_backend_pid() as pid from " +
      "(select $1::bool as flag, $2::jsonb as json, $3::timestamptz as date) x";
    const parameters = () => [
      values.flag,
      first.sql.json(values.json),
      values.date,
    ];
    await first.sql.unsafe(text, parameters(), { prepare });
    first.onRun = () => one.destroy();
    const query = first.sql.unsafe(text, parameters(), { prepare });
    const outcome = query.then(plain);
    const { unfinished: [statement] } = await first.lost;
    assertExists(statement);
    assertEquals(statement.isSent, false);
    statement.recall();
    other.run(statement);
    assertEquals(await outcome, [{ ...values, pid: other.pid }]);
    await other.quiesce();
  });
}

Deno.test("a stale plan is prepared anew, with the parameters as they were", async () => {
  await using opened = await dialled.open();
  await using admin = await dialled.open();
  const { sql, connection } = opened;
  const table = `stale_${connection.pid}_${Date.now()}`;
  await admin.sql`create table ${sql(table)} (flag bool, json jsonb)`;
  try {
    const add = (flag: boolean, json: unknown) =>
      sql`insert into ${sql(table)} (flag, json)
        values (${flag}, ${sql.json(json as never)}) returning *`;
    await add(true, { a: 1 });
    await admin.sql`alter table ${sql(table)} add column more int`;
    assertEquals(plain(await add(true, { a: 2 })), [{
      flag: true,
      json: { a: 2 },
      more: null,
    }]);
    // And is known from then on.
    assertEquals((await add(false, null)).count, 1);
    assertEquals(connection.inFlight, 0);
  } finally {
    await admin.sql`drop table ${sql(table)}`;
  }
});

Deno.test("statements in flight together survive the same stale plan, each with its own rows", async () => {
  await using opened = await dialled.open();
  await using admin = await dialled.open();
  const { sql, connection } = opened;
  const table = `stale_${connection.pid}_${Date.now()}`;
  await admin.sql`create table ${
    sql(table)
  } as select n from generate_series(1, 9) n`;
  try {
    const read = (n: number) => sql`select * from ${sql(table)} where n = ${n}`;
    const all = () => sql`select count(*)::int as count from ${sql(table)}`;
    await read(1);
    await admin.sql`alter table ${sql(table)} add column more int`;
    const results = await Promise.all([read(1), read(2), all(), read(3)]);
    assertEquals(plain(results), [
      [{ n: 1, more: null }],
      [{ n: 2, more: null }],
      [{ count: 9 }],
      [{ n: 3, more: null }],
    ]);
    await connection.quiesce();
    assertEquals(connection.inFlight, 0);
  } finally {
    await admin.sql`drop table ${sql(table)}`;
  }
});

Deno.test("a stale plan inside a transaction is an error, and no more than that", async () => {
  await using opened = await dialled.open();
  await using admin = await dialled.open();
  const { sql, connection } = opened;
  const table = `stale_${connection.pid}_${Date.now()}`;
  await admin.sql`create table ${sql(table)} as select 1 as n`;
  try {
    const read = () => sql`select * from ${sql(table)} where n = ${1}`;
    await read();
    await admin.sql`alter table ${sql(table)} add column more int`;
    await connection.command("begin");
    const error = await read().catch((error) => error);
    assertEquals(error.code, "0A000");
    assertEquals(connection.transactionStatus, "failed");
    await connection.command("rollback");
    assertEquals(plain(await read()), [{ n: 1, more: null }]);
  } finally {
    await admin.sql`drop table ${sql(table)}`;
  }
});

Deno.test("a stale plan inside a transaction is known for the next one, whatever fragment it has", async () => {
  await using opened = await dialled.open();
  await using admin = await dialled.open();
  const { sql, connection } = opened;
  const table = `stale_${connection.pid}_${Date.now()}`;
  await admin.sql`create table ${sql(table)} as select 1 as n`;
  try {
    const read = (n: unknown) =>
      sql`select * from ${sql(table)} where n = ${n as number}`;
    const inTransaction = async (n: unknown) => {
      await connection.command("begin");
      const rows = await read(n).catch((error) => error.code);
      await connection.command("rollback");
      return plain(rows);
    };
    const fragment = sql`1::int`;
    for (const n of [1, fragment]) await read(n);
    await admin.sql`alter table ${sql(table)} add column more int`;
    for (const n of [1, fragment]) {
      assertEquals(await inTransaction(n), "0A000");
    }
    for (const n of [1, fragment, 1, fragment]) {
      assertEquals(await inTransaction(n), [{ n: 1, more: null }]);
    }
  } finally {
    await admin.sql`drop table ${sql(table)}`;
  }
});

Deno.test("prepared statements that were deallocated are prepared anew", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const read = (n: number) => sql`select ${n}::int as n`;
  await read(1);
  await connection.command("discard all");
  assertEquals(plain(await Promise.all([read(2), read(3)])), [
    [{ n: 2 }],
    [{ n: 3 }],
  ]);
});

function pickyDialled(): Dialled {
  const parse = (value: string) => {
    if (value.startsWith("bad")) throw new TypeError("Too picky for that");
    return value;
  };
  const types = { picky: { to: 25, from: [25], parse, serialize: String } };
  return new Dialled(server, { types });
}

Deno.test("a cursor whose last rows cannot be read keeps its connection", async () => {
  await using opened = await pickyDialled().open();
  const { sql, connection } = opened;
  let batches = 0;
  const query = sql`select 'bad' from generate_series(1, 4)`;
  const failed = assertRejects(
    async () => void await query.cursor(10, () => void batches++),
    TypeError,
    "Too picky",
  );
  const next = sql`select 1 as one`;
  await failed;
  assertEquals(plain(await next), [{ one: 1 }]);
  assertEquals([batches, connection.isLost], [0, false]);
});

Deno.test("a cursor whose rows cannot be read loses its connection, and nobody gets what is not theirs", async () => {
  const picky = pickyDialled();
  for (const size of [1, 2]) {
    await using opened = await picky.open();
    const { sql } = opened;
    const query = sql`select 'bad' from generate_series(1, 4)`;
    const failed = assertRejects(
      async () => {
        for await (const _rows of query.cursor(size)) { /* none comes */ }
      },
      TypeError,
      "Too picky",
    );
    const next = sql`select 1 as one`.catch((error) => error.message);
    const { loss, unfinished } = await opened.lost;
    assertEquals(unfinished.map(({ isSent }) => isSent), [true, false]);
    assertStringIncludes(String(loss.cause), "reading a row threw");
    for (const statement of unfinished) statement.fail(new Error("Lost"));
    await failed;
    assertEquals(await next, "Lost");
  }
});

Deno.test("rows that cannot be read fail a statement, and leave its connection", async () => {
  const parse = () => {
    throw new TypeError("Too picky for that");
  };
  const types = { picky: { to: 25, from: [25], parse, serialize: String } };
  await using opened = await new Dialled(server, { types }).open();
  const { sql } = opened;
  const all = await Promise.allSettled([
    sql`select 'bad' from generate_series(1, 4)`,
    sql`select 2 as two`,
  ]);
  assertEquals(all[0].status, "rejected");
  assertEquals(all[1].status === "fulfilled" && plain(all[1].value), [{
    two: 2,
  }]);
  assertEquals(opened.connection.isLost, false);
});

Deno.test("a cursor that cannot be written leaves its connection", async () => {
  await using opened = await dialled.open();
  const { sql } = opened;
  for (const value of [undefined, circular]) {
    const query = sql`select ${sql.json(value as never)}::json as bad`;
    await assertRejects(async () => {
      for await (const _rows of query.cursor(1)) { /* none comes */ }
    });
  }
  assertEquals(plain(await sql`select 1 as one`), [{ one: 1 }]);
});

Deno.test("a COPY is told by its first word, whatever stands in front of it", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  for (
    const front of ["", "/* why */ ", "; ", "-- why\n ;/* a /* b */ c */\n"]
  ) {
    const text = [`${front}copy (select 1) to stdout`];
    const query = sql(Object.assign(text, { raw: text }));
    const [copied, rows] = await Promise.all([
      query.then((out) => readAll(out)),
      sql`select 2 as two`,
    ]);
    assertEquals([copied, plain(rows)], ["1\n", [{ two: 2 }]], front);
    assertEquals(connection.isLost, false);
  }
});

Deno.test("a COPY that ends before its reader leaves its connection", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const out = await sql`copy (select 1) to stdout`.readable();
  await connection.quiesce();
  out.destroy();
  const failing = await sql`
    copy (select 1 / (3 - n) from generate_series(1, 3) n) to stdout`
    .readable();
  await assertRejects(() => readAll(failing), Error, "division by zero");
  assertEquals(
    await readAll(await sql`copy (select 2) to stdout`.readable()),
    "2\n",
  );
  assertEquals(plain(await sql`select 3 as three`), [{ three: 3 }]);
});

async function readAll(stream: unknown): Promise<string> {
  const chunks = await Array.fromAsync(stream as AsyncIterable<Uint8Array>);
  return chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
}
