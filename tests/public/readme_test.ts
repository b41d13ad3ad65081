/** The tables of the README say what is so; its snippets are checked by the gate. */
import * as tidepool from "@tidepool/postgres";
import { OPTION_RULES } from "../../src/options/option_rules.ts";
import { resolvePoolOptions } from "../../src/pool_options.ts";
import { assert, assertEquals } from "../support/assert.ts";

const README = await Deno.readTextFile(
  new URL("../../README.md", import.meta.url),
);

/** Answers the rows of the table under a heading, without the two that head it. */
function tableUnder(heading: string): string[][] {
  const [, section = ""] = README.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ");
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

/** Answers what is written as code in a cell. */
function namesIn(cell = ""): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

Deno.test("the README's option table has every option, and no other", () => {
  const names = tableUnder("Options").flatMap(([option]) => namesIn(option));
  assertEquals(names.sort(), Object.keys(OPTION_RULES).sort());
});

Deno.test("the README's option table has the defaults that a pool gets", () => {
  const resolved: Readonly<Record<string, unknown>> = {
    ...resolvePoolOptions("postgres://u@127.0.0.1/d", {}, () => undefined),
  };
  const told = tableUnder("Options").filter(([name = ""]) =>
    /^`\w+(Ms|Uses)`$|^`(max|min|nestedAcquire|pipeline|reset|holdProcess)`$/
      .test(name)
  );
  assert(told.length > 10);
  for (const [name = "", byDefault = ""] of told) {
    const value = byDefault.replaceAll(/["`]/g, "");
    assertEquals(value, String(resolved[name.slice(1, -1)]), name);
  }
});

Deno.test("the README's error table has every error of a pool, and its fields", () => {
  const samples: Readonly<Record<string, tidepool.PoolError>> = {
    AcquireTimeoutError: new tidepool.AcquireTimeoutError(
      1,
      tidepool.createPool("postgres://u@127.0.0.1/d").stats(),
      new Error("why"),
    ),
    PoolOverloadedError: new tidepool.PoolOverloadedError("pool-1", 0, 5),
    ConnectError: new tidepool.ConnectError("refused", "Cannot connect"),
    ConnectionLostError: new tidepool.ConnectionLostError({
      sent: false,
      phase: "idle",
      cause: new Error("why"),
    }),
    ConnectionBusyError: new tidepool.ConnectionBusyError(
      "run",
      "a cursor is open",
    ),
    LeaseReleasedError: new tidepool.LeaseReleasedError("run a query"),
    QueryTimeoutError: new tidepool.QueryTimeoutError(1),
    TransactionFinishedError: new tidepool.TransactionFinishedError(
      "commit",
      "committed",
    ),
    PoolClosedError: new tidepool.PoolClosedError("pool-1"),
  };
  const rows = tableUnder("Errors");
  assertEquals(rows.flatMap(([name]) => namesIn(name)), Object.keys(samples));
  const family = Object.values(tidepool).filter((value) =>
    typeof value === "function" && value.prototype instanceof tidepool.PoolError
  );
  assertEquals(rows.length, family.length);
  for (const [name, code, , carries] of rows) {
    const error = samples[namesIn(name)[0] ?? ""];
    assert(error !== undefined);
    assertEquals(namesIn(code), [error.code]);
    for (const field of namesIn(carries)) assert(field in error, field);
  }
});
