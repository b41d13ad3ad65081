/**
 * What the driver layer relies on inside postgres.js, one test each: when an
 * update changes one of these, it fails here first. The faults of the driver
 * that we work around are here too, so that we notice when they are mended.
 */
import { connect, type Socket } from "node:net";
import type { Writable } from "node:stream";

import postgres from "postgres";
import type {
  DriverConnection,
  DriverQuery,
} from "../../src/driver/driver_query.ts";
import { PostgresJs } from "../../src/driver/postgres_js.ts";
import type { Statement } from "../../src/driver/connection.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { Dialled, plain } from "./dialled.ts";
import { until } from "./fake_transport.ts";
import { SpyTransport } from "./spy_transport.ts";

const server = await sharedPostgres();

/** A query of the driver, seen from inside. */
interface Inside {
  handler: (query: Inside) => void;
  canceller: ((query: Inside) => void) | null;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  state: unknown;
  active: boolean;
  executed: boolean;
  cancelled: unknown;
  parameters: unknown[] | null;
  prepared: unknown;
  describeFirst: unknown;
  onlyDescribe: unknown;
  cursorFn: unknown;
  forEachFn: unknown;
  streaming: unknown;
  strings: string[];
  string: string;
  options: Record<string, unknown>;
  args: unknown[];
  origin: string;
}

type Client = postgres.Sql;

async function connected(): Promise<Socket> {
  const socket = connect(server.port, server.host);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

function inside(query: unknown): Inside {
  return query as Inside;
}

/** A plain client with one connection, ended with the test. */
function contract(
  name: string,
  body: (sql: Client) => Promise<void> | void,
): void {
  Deno.test(`postgres.js: ${name}`, async () => {
    // Single-use, as in a session: else it would dial to cancel what it passes over.
    let isUsed = false;
    const socket = () => {
      if (isUsed) return new Promise(() => {});
      isUsed = true;
      return connected();
    };
    const settings = { socket, max: 1, connect_timeout: 0, max_lifetime: 0 };
    const sql = postgres(server.url, settings as postgres.Options<never>);
    try {
      await body(sql);
    } finally {
      await sql.end({ timeout: 0.05 });
    }
  });
}

/** Runs a query on a client as a session does; the client must be open. */
function run(sql: Client, query: unknown): void {
  const { handler } = inside(sql.unsafe(""));
  inside(query).executed = true;
  // What is left when the client ends is rejected.
  (query as Promise<unknown>).catch(() => {});
  handler(inside(query));
}

contract("a query is lazy: made, it runs nothing", async (sql) => {
  const query = inside(sql`select 1`);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([query.executed, query.active, query.state], [
    false,
    false,
    null,
  ]);
});

contract(
  "an awaited query is handed to its handler, a turn later",
  async (sql) => {
    const query = inside(sql`select 1`);
    let handled: unknown;
    query.handler = (given) => {
      handled = given;
      given.resolve("ours");
    };
    const result = (query as unknown as PromiseLike<unknown>).then((value) =>
      value
    );
    assertEquals([query.executed, handled], [true, undefined]);
    assertEquals(await result, "ours");
    assertStrictEquals(handled, query);
  },
);

contract(
  "a query shows its connection, which runs others by itself once it is reserved",
  async (sql) => {
    let connection: DriverConnection | undefined;
    const first = inside(sql.unsafe("select 1"));
    first.options["onexecute"] = (given: DriverConnection) => {
      connection = given;
      let idle = 0;
      given.reserved = Object.assign(() => void idle++, { release: true });
      told = () => idle;
    };
    let told = () => -1;
    await first;
    assertEquals(told(), 1);
    const second = inside(sql.unsafe("select 2 as n"));
    second.executed = true;
    connection!.execute(second as unknown as DriverQuery);
    const rows = await (second as unknown as Promise<{ n: number }[]>);
    assertEquals([...rows], [{ n: 2 }]);
    assertEquals(told(), 2);
  },
);

contract("a query that was executed is not handed over again", async (sql) => {
  const query = sql`select 1`;
  let count = 0;
  inside(query).executed = true;
  inside(query).handler = () => count++;
  query.then(() => {});
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(count, 0);
});

contract(".cancel() calls the query's canceller", (sql) => {
  const query = sql`select 1`;
  let cancelled: unknown;
  inside(query).canceller = (given) => cancelled = given;
  query.cancel();
  assertStrictEquals(cancelled, query);
});

contract(
  "resolve and reject settle a query and make it inactive",
  async (sql) => {
    const good = sql`select 1`;
    const bad = sql`select 1`;
    for (const query of [good, bad]) {
      inside(query).executed = true;
      inside(query).active = true;
    }
    inside(good).resolve("yes");
    inside(bad).reject(new Error("no"));
    assertEquals(await good as unknown, "yes");
    assertEquals((await bad.catch((error) => error)).message, "no");
    assertEquals([inside(good).active, inside(bad).active], [false, false]);
  },
);

contract(
  "cursors, forEach, describe, simple and streams mark their query",
  (sql) => {
    const [cursor, each, described, simple, stream] = Array.from(
      { length: 5 },
      () => sql`select 1`,
    ).map((query) => query);
    cursor!.cursor(1, () => {});
    inside(each).executed = true;
    each!.forEach(() => {});
    described!.describe();
    simple!.simple();
    inside(stream).executed = true;
    stream!.readable().catch(() => {});
    assertEquals(typeof inside(cursor).cursorFn, "function");
    assertEquals(typeof inside(each).forEachFn, "function");
    assertEquals(inside(described).onlyDescribe, true);
    assertEquals(inside(simple).options.simple, true);
    assertEquals(inside(stream).streaming, true);
  },
);

contract(
  "a cursor's iterator sets cursorFn, resolve and reject at every step",
  async (sql) => {
    const query = sql`select n from generate_series(1, 4) n`;
    const { reject } = inside(query);
    const steps = query.cursor(2)[Symbol.asyncIterator]();
    assertEquals(inside(query).cursorFn, undefined);
    await steps.next();
    const first = inside(query).reject;
    await steps.next();
    assert(first !== reject && inside(query).reject !== first);
    await steps.next();
  },
);

contract(
  "a cursor that is inactive takes its next step for the end",
  async (sql) => {
    const query = sql`select 1`;
    inside(query).executed = true;
    inside(query).active = false;
    const step = query.cursor(1)[Symbol.asyncIterator]().next() as unknown;
    assertEquals(await step, { done: true });
  },
);

contract(
  "unsafe() is simple without parameters, and extended with them",
  (sql) => {
    const [simple, extended] = [sql.unsafe("select 1"), sql.unsafe("x", [1])];
    assertEquals(inside(simple).options.simple, true);
    assertEquals(inside(extended).options.simple, false);
    assertEquals(inside(simple).strings, ["select 1"]);
  },
);

contract(
  "an open client takes a query at once, in the same turn",
  async (sql) => {
    await sql`select 1`;
    const query = sql`select 2 as two`;
    assertEquals(inside(query).state, null);
    run(sql, query);
    assertEquals([inside(query).state !== null, inside(query).active], [
      true,
      true,
    ]);
    assertEquals(plain(await query), [{ two: 2 }]);
  },
);

contract(
  "a second query is taken at once too, and becomes active in its turn",
  async (sql) => {
    await sql`select 1`;
    const [first, second] = [sql`select 1 as n`, sql`select 2 as n`];
    run(sql, first);
    run(sql, second);
    assertEquals([inside(second).state !== null, inside(second).active], [
      true,
      false,
    ]);
    assertEquals(plain(await Promise.all([first, second])), [[{ n: 1 }], [{
      n: 2,
    }]]);
  },
);

contract(
  "a query whose cancelled is set is passed over, and its canceller told",
  async (sql) => {
    await sql`select 1`;
    const [first, second, third] = [
      sql`select pg_sleep(0.02), 1 as n`,
      sql`select 2 as n`,
      sql`select 3 as n`,
    ];
    run(sql, first);
    run(sql, second);
    // As if it had not been written: the reply to it is taken by the third.
    inside(second).cancelled = { resolve() {}, reject() {} };
    run(sql, third);
    await first;
    assertEquals(plain(await third), [{ n: 2 }]);
  },
);

contract("a query that was cancelled before is not taken", async (sql) => {
  await sql`select 1`;
  const query = sql`select 2`;
  inside(query).cancelled = true;
  run(sql, query);
  assertEquals(inside(query).state, null);
});

contract(
  "an error reaches a query that looks like a reservation as it is",
  async (sql) => {
    await sql`select ${1}::int as n`;
    const running = sql`select pg_sleep(0.02)`;
    run(sql, running);
    let caught: unknown;
    const { reject } = inside(running);
    Object.assign(running, {
      reserve: true,
      reject: (e: unknown) => caught = e,
    });
    run(sql, sql`select ${undefined as never}`);
    Object.assign(running, { reserve: undefined, reject });
    assertEquals((caught as { code: string }).code, "UNDEFINED_VALUE");
    assertEquals("query" in (caught as Error), false);
  },
);

contract(
  "describeFirst is set for a statement with parameters, the first time",
  async (sql) => {
    await sql`select 1`;
    const read = () => sql`select ${1}::int as first_time`;
    const [first, second] = [read(), read()];
    run(sql, first);
    assertEquals(inside(first).describeFirst, true);
    await first;
    run(sql, second);
    assertEquals([inside(second).describeFirst, inside(second).prepared], [
      false,
      true,
    ]);
    await second;
  },
);

contract(
  "onlyDescribe makes it forget a plan, and may be unset once it is taken",
  async (sql) => {
    const read = () => sql`select ${1}::int as forgotten`;
    await read();
    const query = read();
    inside(query).onlyDescribe = true;
    run(sql, query);
    inside(query).onlyDescribe = undefined;
    assertEquals([inside(query).prepared, inside(query).describeFirst], [
      false,
      true,
    ]);
    assertEquals(plain(await query), [{ forgotten: 1 }]);
    const [row] = await sql`
    select count(*)::int as count from pg_prepared_statements
    where statement like '%as forgotten%' and statement not like '%pg_prep%'`;
    assertEquals(row!.count, 2);
  },
);

contract(
  "parameters are serialized in place, and kept when a query is built again",
  async (sql) => {
    const read = (flag: boolean) => sql`select ${flag}::bool as flag`;
    await read(true);
    const query = read(true);
    run(sql, query);
    assertEquals(inside(query).parameters, ["t"]);
    await query;
  },
);

contract(
  "its options, once parsed, are taken as they are, environment and all unread",
  (sql) => {
    const options = (sql as unknown as { options: Record<string, unknown> })
      .options;
    assert(
      "shared" in options && "parsers" in options && "serializers" in options,
    );
    const environment = Object.getOwnPropertyDescriptor(process, "env")!;
    Object.defineProperty(process, "env", {
      configurable: true,
      get: () => {
        throw new Error("Cannot read the environment: not now");
      },
    });
    try {
      const copy = { ...options, max: 1 } as unknown as postgres.Options<never>;
      const other = postgres(copy) as unknown as { options: typeof options };
      for (const key of ["parsers", "serializers", "shared", "transform"]) {
        assertStrictEquals(other.options[key], options[key], key);
      }
    } finally {
      Object.defineProperty(process, "env", environment);
    }
  },
);

contract(
  "the errors of a server are its class, made of their fields",
  async (sql) => {
    const error = await sql`select 1/0`.catch((error) => error);
    assert(error instanceof postgres.PostgresError);
    assertEquals([error.name, error.code, error.routine], [
      "PostgresError",
      "22012",
      "int4div",
    ]);
    const Make = postgres.PostgresError as unknown as new (
      fields: Record<string, string>,
    ) => postgres.PostgresError;
    const made = new Make({ code: "57P01", message: "bye" });
    assertEquals([made.name, made.code, made.message], [
      "PostgresError",
      "57P01",
      "bye",
    ]);
  },
);

contract(
  "the rejected error tells query, parameters and args, none of them enumerable",
  async (sql) => {
    const error = await sql`select ${1}::int / 0`.catch((error) => error);
    assertEquals([error.query, error.args], ["select $1::int / 0", [1]]);
    assertEquals(Object.keys(error).includes("query"), false);
  },
);

Deno.test("postgres.js: asks for its socket once per connect, awaits it, then greets", async () => {
  const events: string[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const options = {
    max: 1,
    user: "postgres",
    fetch_types: false,
    connect_timeout: 0,
    max_lifetime: 0,
    socket: () => {
      events.push("socket");
      return promise;
    },
  };
  const sql = postgres(options as unknown as postgres.Options<never>);
  sql`select 1`.catch(() => {});
  await until(() => events.length === 1, "call of socket()");
  const written: Uint8Array[] = [];
  resolve({
    on: (event: string) => void events.push(event),
    write: (bytes: Uint8Array) => written.push(bytes),
  });
  await until(() => written.length === 1, "greeting");
  assertEquals(events, ["socket", "error", "close", "drain", "data"]);
  const greeting = new TextDecoder().decode(written[0]);
  assert(greeting.includes("user\0postgres"));
});

Deno.test("postgres.js: its first statement waits for the array types, and our empty one never leaves", async () => {
  const transport = new SpyTransport();
  await using opened = await new Dialled(server, { transport }).open();
  const { sent } = transport.sockets[0]!;
  assert(sent.includes("typarray"));
  assertEquals(sent.includes("Q\0\0\0\x05\0"), false);
  assertEquals(plain(await opened.sql`select 1 as one`), [{ one: 1 }]);
});

Deno.test("postgres.js: the options of a client that makes queries are shared by all", async () => {
  const dialled = new Dialled(server);
  await using opened = await dialled.open();
  const { parsers } = dialled.postgresJs.sql.options as unknown as {
    parsers: Record<number, (text: string) => unknown>;
  };
  const parse = parsers[23];
  parsers[23] = (text) => `int ${text}`;
  try {
    assertEquals(plain(await opened.sql`select 1 as one`), [{ one: "int 1" }]);
  } finally {
    parsers[23] = parse!;
  }
});

Deno.test("PostgresJs is made without a look at the environment", () => {
  const environment = Object.getOwnPropertyDescriptor(process, "env")!;
  const read: PropertyKey[] = [];
  Object.defineProperty(process, "env", {
    configurable: true,
    value: new Proxy({}, {
      get: (_, key) => void read.push(key),
    }),
  });
  try {
    new Dialled({ host: "127.0.0.1", port: 1 });
  } finally {
    Object.defineProperty(process, "env", environment);
  }
  assertEquals(read, []);
  assertEquals(typeof PostgresJs, "function");
});

contract(
  "FAULT: an unwritable query rejects the one that is running in its place",
  async (sql) => {
    await sql`select 1`;
    const running = sql`select pg_sleep(0.02)`.then(
      () => "resolved",
      (error) => error.code,
    );
    await Promise.resolve();
    await Promise.resolve();
    const bad = sql`select ${undefined as never} as bad`;
    bad.catch(() => {});
    assertEquals(await running, "UNDEFINED_VALUE");
  },
);

contract(
  "FAULT: one that is passed over and the last in line leaves it stuck",
  async (sql) => {
    await sql`select 1`;
    const first = sql`select pg_sleep(0.02)`;
    const last = sql`select ${undefined as never}`;
    run(sql, first);
    run(sql, last);
    inside(last).cancelled = { resolve() {}, reject() {} };
    await first.catch(() => {});
    await until(() => inside(last).active, "turn of the last");
    const next = sql`select 3`;
    run(sql, next);
    let isSettled = false;
    next.then(() => isSettled = true, () => {});
    // The reply to the next one is taken for that of the last.
    await until(() => inside(next).active, "turn of the next");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(isSettled, false);
  },
);

contract(
  "FAULT: rows of a query that failed half-way leave holes in the next result",
  async (sql) => {
    await sql`select 1 / (2 - n) from generate_series(1, 3) n`.catch(() => {});
    const rows = await sql`select 1 as one`;
    assertEquals([rows.length, 0 in rows, 1 in rows], [2, false, true]);
  },
);

contract(
  "FAULT: its retry of a stale plan serializes parameters twice",
  async (sql) => {
    const table = sql(`stale_${Date.now()}`);
    await sql`create table ${table} (flag bool)`;
    try {
      const add = () =>
        sql`insert into ${table} (flag) values (${true}) returning *`;
      await add();
      await sql`alter table ${table} add column more int`;
      const query = add();
      assertEquals(plain(await query), [{ flag: false, more: null }]);
      assert("retried" in query);
    } finally {
      await sql`drop table ${table}`;
    }
  },
);

contract("a query whose prepared is unset is not tried again", async (sql) => {
  const table = sql(`stale_${Date.now()}`);
  await sql`create table ${table} as select 1 as n`;
  try {
    const read = () => sql`select * from ${table} where n = ${1}`;
    await read();
    await sql`alter table ${table} add column more int`;
    const query = read();
    run(sql, query);
    inside(query).prepared = false;
    const error = await query.catch((error) => error);
    assertEquals([error.code, error.routine], [
      "0A000",
      "RevalidateCachedQuery",
    ]);
  } finally {
    await sql`drop table ${table}`;
  }
});

contract(
  "FAULT: a COPY that fails after its end tells its stream nothing",
  async (sql) => {
    await sql`create temp table copied (n int)`;
    const stream = await sql`copy copied from stdin`.writable();
    const told: string[] = [];
    stream.on("error", () => told.push("error"));
    stream.on("finish", () => told.push("finish"));
    stream.end("not a number\n");
    await until(() => stream.writableEnded, "end of the stream");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await sql`select pg_sleep(0.02)`;
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(told, ["finish"]);
  },
);

contract("FAULT: a COPY that was only awaited never ends", async (sql) => {
  await sql`create temp table copied (n int)`;
  const query = sql`copy copied from stdin`;
  const stream = await query as unknown as Writable;
  let isFinished = false;
  stream.on("finish", () => isFinished = true);
  stream.end("1\n");
  await until(() => stream.writableEnded, "end of the stream");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(isFinished, false);
});

contract("FAULT: a cursor over an empty text never ends", async (sql) => {
  await sql`select 1`;
  let isSettled = false;
  const query = sql`-- Nothing`.cursor(1, () => {});
  query.then(() => isSettled = true, () => {});
  await until(() => inside(query).active, "turn of the cursor");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(isSettled, false);
});

contract(
  "an unsafe() that fails is kept for ever, by its strings",
  async (sql) => {
    await sql`select 1`;
    const kept = await textsKept(() => sql.unsafe("kept for ever"));
    assertEquals(kept, ["kept for ever"]);
  },
);

Deno.test("of a query of ours that fails nothing is kept", async () => {
  const readText = () => Promise.resolve("not kept");
  const dialled = new Dialled(server, { readText });
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const { postgresJs } = dialled;
  const scope = {
    run: (statement: Statement) => connection.run(statement),
    cancel() {},
  };
  for (
    const fail of [
      () => sql.unsafe("not kept"),
      () => sql.unsafe("not kept", [undefined as never]),
      () => postgresJs.file(scope, "", []) as Promise<unknown>,
      () => connection.command("not kept"),
    ]
  ) assertEquals(await textsKept(fail), []);
});

Deno.test("an error tells where its unsafe() was called when debug is on", async () => {
  await using opened = await new Dialled(server, { debug: true }).open();
  const error = await opened.sql.unsafe("wrong").catch((error) => error);
  assertStringIncludes(error.stack, "postgres_js_contract_test.ts");
});

/** Runs what fails; answers the texts of queries that became keys of a map. */
async function textsKept(fail: () => Promise<unknown>): Promise<string[]> {
  const { set } = Map.prototype;
  const texts: string[] = [];
  Map.prototype.set = function (key, value) {
    if (Array.isArray(key)) texts.push(String(key[0]));
    return set.call(this, key, value);
  };
  try {
    await assertRejects(async () => await fail());
  } finally {
    Map.prototype.set = set;
  }
  return texts;
}
