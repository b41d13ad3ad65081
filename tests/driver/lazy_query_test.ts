import { DriverStatement } from "../../src/driver/driver_statement.ts";
import type { LazyQuery } from "../../src/driver/lazy_query.ts";
import type { Statement, StatementScope } from "../../src/driver/connection.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { postgresJs } from "./dialled.ts";

/** A scope that notes what it is to run. */
class NotingScope implements StatementScope {
  readonly statements: Statement[] = [];
  readonly cancelled: Statement[] = [];

  run(statement: Statement): void {
    this.statements.push(statement);
  }

  cancel(statement: Statement): void {
    this.cancelled.push(statement);
  }
}

const js = postgresJs();

function made(
  scope: StatementScope,
  strings: TemplateStringsArray,
  ...values: unknown[]
): LazyQuery {
  return js.tag(scope, strings, values) as LazyQuery;
}

function template(
  strings: TemplateStringsArray,
  ...values: unknown[]
): [TemplateStringsArray, ...unknown[]] {
  return [strings, ...values];
}

Deno.test("a query runs once in its scope, after the code that awaits it", async () => {
  const scope = new NotingScope();
  const query = made(scope, ...template`select ${1}`);
  const result = Promise.all([query.then((value) => value), query]);
  assertEquals(scope.statements.length, 0);
  await Promise.resolve();
  assertEquals(scope.statements, [DriverStatement.of(query)]);
  query.active = true;
  query.resolve("done");
  assertEquals(await result, ["done", "done"]);
  assertEquals([query.active, query.executed], [false, true]);
});

Deno.test("a query that is rejected is no longer active, and rejects who awaits it", async () => {
  const query = made(new NotingScope(), ...template`select 1`);
  query.active = true;
  const awaited = assertRejects(async () => await query, Error, "Refused");
  query.reject(new Error("Refused"));
  await awaited;
  assertEquals(query.active, false);
});

Deno.test("what then() of a query answers is a plain promise", () => {
  const query = made(new NotingScope(), ...template`select 1`);
  const answered = query.then(() => {});
  assertEquals(answered.constructor, Promise);
});

Deno.test("a cancelled query is cancelled in its scope, once", () => {
  const scope = new NotingScope();
  const query = made(scope, ...template`select 1`) as LazyQuery & {
    cancel(): void;
  };
  query.cancel();
  query.cancel();
  assertEquals(scope.cancelled.length, 1);
});

function linesOf(query: LazyQuery): string[] {
  // As the driver puts it behind the stack of an error.
  return query.origin.replace(/.*\n/, "\n").split("\n");
}

Deno.test("a query of a template tells the line where the template stands, and no more", () => {
  const [empty, line = "", ...rest] = linesOf(
    made(new NotingScope(), ...template`select 1`),
  );
  assertEquals([empty, rest], ["", []]);
  assert(/^ {4}at .*lazy_query_test\.ts/.test(line), line);
});

Deno.test("with debug, a query tells where it was made, and by whom", () => {
  const scope = new NotingScope();
  function inner(): LazyQuery {
    return postgresJs({ debug: true }).unsafe(scope, ["select 1"]);
  }
  function outer(): LazyQuery {
    return inner();
  }
  const [, first = "", second = ""] = linesOf(outer());
  assert(first.includes("inner"), first);
  assert(second.includes("outer"), second);
});

Deno.test("with debug, a query of plain text tells it for a scope that is called, too", () => {
  const scope = Object.assign(() => {}, { run() {}, cancel() {} });
  const query = postgresJs({ debug: true }).unsafe(scope, ["select 1"]);
  const [, first = ""] = linesOf(query);
  assert(first.includes("lazy_query_test.ts"), first);
});

Deno.test("without debug, a query of plain text does not tell where it was made", () => {
  assertEquals(js.unsafe(new NotingScope(), ["select 1"]).origin, "");
});

Deno.test("a query of strings that change is told anew each time", async () => {
  const scope = new NotingScope();
  const raw = ["select 1"];
  const strings = Object.assign(raw, { raw });
  for (const word of ["select", "begin"]) {
    raw[0] = `${word} 1`;
    made(scope, strings).then(() => {});
    await Promise.resolve();
    assertEquals(scope.statements.at(-1)?.firstWord, word);
  }
  const [, line = ""] = linesOf(made(scope, strings));
  assert(line.includes("lazy_query_test.ts"), line);
});

Deno.test("a query that is shown shows nothing that refers to it", async () => {
  const query = made(new NotingScope(), ...template`select 1`);
  query.then(() => {});
  await Promise.resolve();
  assertEquals(JSON.parse(JSON.stringify(query)).strings, ["select 1"]);
});

Deno.test("a query is rejected with what its handler throws", async () => {
  const query = js.unsafe(new NotingScope(), [5]);
  await assertRejects(async () => await query, TypeError);
});

Deno.test("unsafe() throws what the driver throws over bad options", () => {
  for (const args of [["select 1", null], ["select 1", [], null]]) {
    assertThrows(() => js.unsafe(new NotingScope(), args), TypeError);
  }
});

/** What makes a query its maker's own. */
const OWN_KEYS = new Set(["resolve", "reject", "handler", "canceller"]);

function assertSameParts(ours: unknown, theirs: object): void {
  assert(ours instanceof theirs.constructor);
  // A symbol is how the driver keeps its error with a stack; see `origin`.
  for (const key of Object.keys(theirs).filter((key) => !OWN_KEYS.has(key))) {
    const [one, other] = [ours, theirs].map((query) => Reflect.get(query, key));
    assertEquals(one, other, key);
  }
}

Deno.test("a query of a template has what the driver gives one", () => {
  const [strings, ...values] = template`select ${1}`;
  const theirs = js.sql(strings, ...values as number[]);
  assertSameParts(made(new NotingScope(), strings, ...values), theirs);
});

for (
  const args of [
    ["select 1"],
    ["select $1", [1]],
    ["select 1", []],
    ["select 1", undefined],
    ["select 1", { prepare: true }],
    ["select 1", { simple: false }],
    ["select $1", [1], { prepare: true }],
    ["select 1", undefined, { simple: undefined }],
  ]
) {
  const told = JSON.stringify(args).slice(1, -1);
  Deno.test(`a query of unsafe(${told}) has what the driver gives one`, () => {
    const unsafe = js.sql.unsafe as unknown as (...args: unknown[]) => object;
    assertSameParts(js.unsafe(new NotingScope(), args), unsafe(...args));
  });
}
