import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import plugin from "../../tools/lint_plugin.ts";

const ROOT = new URL("../../", import.meta.url);

/** Answers what the plugin says of a file at that place in the repository. */
function lint(path: string, source: string): string[] {
  const file = decodeURIComponent(new URL(path, ROOT).pathname);
  return Deno.lint.runPlugin(plugin, file, source).map(({ message }) =>
    message
  );
}

function assertAllowed(path: string, source: string): void {
  assertEquals(lint(path, source), [], `${path}: ${source}`);
}

function assertRefused(path: string, source: string, why: string): void {
  const messages = lint(path, source);
  assertEquals(messages.length, 1, `${path}: ${source}: ${messages}`);
  assertStringIncludes(messages[0] ?? "", why);
}

const ALLOWED_IMPORTS = [
  ["src/core/slot.ts", `import { a } from "./deadlines.ts";`],
  ["src/clock/system_clock.ts", `import type { Clock } from "./clock.ts";`],
  ["src/transport/tls.ts", `import { connect } from "node:tls";`],
  ["src/transport/tls.ts", `import { a } from "../pool_errors.ts";`],
  ["src/transport/tls.ts", `import type { Clock } from "../clock/clock.ts";`],
  ["src/driver/cancel.ts", `import { a } from "../transport/hosts.ts";`],
  ["src/driver/postgres_js.ts", `import postgres from "npm:postgres@~3.4.9";`],
  ["src/sql.ts", `import type postgres from "npm:postgres@~3.4.9";`],
  ["src/pool_errors.ts", `import type { S } from "./pool_stats.ts";`],
  ["src/pool.ts", `import { a } from "./core/pool_machine.ts";`],
  ["src/pool.ts", `import { a } from "./pool_errors.ts";`],
  ["src/pool.ts", `import { a } from "./driver/connection.ts";`],
  ["src/pool.ts", `import type { W } from "./transport/web_socket_like.ts";`],
  ["src/pool.ts", `import { a } from "./shell/pool_shell.ts";`],
  ["src/shell/upkeep.ts", `import { a } from "../core/pool_machine.ts";`],
  ["src/shell/upkeep.ts", `import { a } from "../pool_events.ts";`],
  ["src/shell/upkeep.ts", `import { a } from "../driver/connection.ts";`],
  ["src/shell/upkeep.ts", `import type { A } from "../pool_options.ts";`],
  ["src/pool_events.ts", `import { a } from "./observer.ts";`],
  ["src/create_pool.ts", `import { a } from "./clock/system_clock.ts";`],
  ["src/create_pool.ts", `import { a } from "./driver/postgres_js.ts";`],
  ["src/otel/mod.ts", `import { a } from "../../mod.ts";`],
  ["src/otel/mod.ts", `import { a } from "./meters.ts";`],
  ["tests/pool_test.ts", `import { a } from "../src/driver/postgres_js.ts";`],
] as const;

const REFUSED_IMPORTS = [
  ["src/core/slot.ts", `import { a } from "../pool.ts";`, "core does not"],
  ["src/core/slot.ts", `import type { a } from "../pool_errors.ts";`, "core"],
  ["src/core/slot.ts", `export * from "../pool.ts";`, "core does not"],
  ["src/core/slot.ts", `export { a } from "../pool.ts";`, "core does not"],
  ["src/core/slot.ts", `type A = import("../pool.ts").Pool;`, "core does not"],
  ["src/clock/clock.ts", `import { a } from "../core/slot.ts";`, "clock"],
  ["src/transport/tls.ts", `import { a } from "../driver/wire.ts";`, "driver"],
  ["src/transport/tls.ts", `import { a } from "../clock/clock.ts";`, "types"],
  ["src/driver/wire.ts", `import { a } from "../core/slot.ts";`, "core"],
  ["src/driver/wire.ts", `import { a } from "../pool.ts";`, "pool"],
  ["src/pool_errors.ts", `import { a } from "./pool_stats.ts";`, "types"],
  ["src/core/slot.ts", `import { a } from "../shell/member.ts";`, "core"],
  ["src/shell/upkeep.ts", `import { a } from "../lease.ts";`, "types"],
  ["src/shell/upkeep.ts", `import { a } from "../driver/wire.ts";`, "types"],
  ["src/pool_events.ts", `import { a } from "./shell/member.ts";`, "types"],
  ["src/pool.ts", `import { a } from "./driver/postgres_js.ts";`, "types"],
  ["src/pool.ts", `import { a } from "./transport/node_net.ts";`, "types"],
  ["src/pool.ts", `const a = import("./clock/system_clock.ts");`, "types"],
  ["src/pool.ts", `import { a } from "./otel/mod.ts";`, "sub-entry"],
  ["src/pool.ts", `import { a } from "../mod.ts";`, "mod.ts"],
  ["src/create_pool.ts", `import { a } from "../mod.ts";`, "mod.ts"],
  ["src/otel/mod.ts", `import { a } from "../pool.ts";`, "only mod.ts"],
  ["src/otel/mod.ts", `import { a } from "../kysely/mod.ts";`, "only mod.ts"],
  ["src/pool.ts", `import { a } from "node:net";`, "Only a transport"],
  ["src/driver/wire.ts", `import "cloudflare:sockets";`, "Only a transport"],
  ["src/pool.ts", `import a from "npm:postgres@~3.4.9";`, "driver"],
  ["src/sql.ts", `import postgres from "npm:postgres@~3.4.9";`, "driver"],
  ["src/pool.ts", `import a from "postgres";`, "import map"],
  ["mod.ts", `export * from "postgres";`, "import map"],
] as const;

Deno.test("import-direction lets a layer import what lies below it", () => {
  for (const [path, source] of ALLOWED_IMPORTS) assertAllowed(path, source);
});

Deno.test("import-direction refuses every other import", () => {
  for (const [path, source, why] of REFUSED_IMPORTS) {
    assertRefused(path, source, why);
  }
});

Deno.test("pure-core refuses time, chance, waiting and the outside world in the core", () => {
  for (
    const source of [
      "Date.now();",
      "const now = performance.now();",
      "type Later = Promise<void>;",
      "async function f() {}",
      "const f = async () => {};",
      "class A { async f() {} }",
      "Math.random();",
      "queueMicrotask(f);",
      "globalThis.a = 1;",
      "crypto.randomUUID();",
      "Deno.exit();",
      "process.exit();",
    ]
  ) {
    assertRefused("src/core/slot.ts", source, "The core is pure");
    assertAllowed("tests/core/slot_test.ts", source);
  }
});

Deno.test("pure-core leaves names of members and the rest of Math alone", () => {
  for (
    const source of [
      "Math.min(1, 2);",
      "const a = { process: 1 };",
      "slot.process();",
      "class A { process() {} }",
      "interface A { Date: number }",
    ]
  ) assertAllowed("src/core/slot.ts", source);
});

Deno.test("one-timer lets only the system clock start a timer", () => {
  assertRefused("src/pool.ts", "setTimeout(f, 1);", "use the clock");
  assertRefused(
    "src/pool.ts",
    "globalThis.setInterval(f, 1);",
    "use the clock",
  );
  assertAllowed("src/clock/system_clock.ts", "setTimeout(f, 1);");
  assertAllowed("src/pool.ts", "type Timer = ReturnType<typeof setTimeout>;");
  assertAllowed("bench/wait.ts", "setTimeout(f, 1);");
});

Deno.test("no-console keeps the sources quiet", () => {
  assertRefused("src/pool.ts", `console.log("a");`, "console");
  assertAllowed("examples/quick_start.ts", `console.log("a");`);
});

Deno.test("error-message wants a capital and no full stop", () => {
  for (
    const expression of [
      `new ConnectError("dns", "cannot acquire")`,
      "new RangeError(`cannot take ${n}`)",
      "new TypeError(`cannot ` + n)",
    ]
  ) assertRefused("src/pool.ts", `throw ${expression};`, "capital");
  for (
    const expression of [
      `new ConnectError("dns", "Cannot acquire.")`,
      "new RangeError(`Cannot take ${n}.`)",
      `new TypeError("Cannot take " + n + " more.")`,
    ]
  ) assertRefused("src/pool.ts", `throw ${expression};`, "full stop");
  assertRefused(
    "src/pool.ts",
    `class AError extends Error { constructor() { super("no"); } }`,
    "capital",
  );
});

Deno.test("error-message accepts what starts or ends with a value", () => {
  for (
    const source of [
      "throw new RangeError(`${name} must be positive: ${value}`);",
      `throw new LeaseReleasedError("run a query");`,
      "throw new TypeError(message);",
      `class A extends Base { constructor() { super("no."); } }`,
    ]
  ) assertAllowed("src/pool.ts", source);
});

Deno.test("size refuses a file over 300 lines and a function over 40", () => {
  assertAllowed("src/pool.ts", "a();\n".repeat(300));
  assertRefused("src/pool.ts", "a();\n".repeat(301), "A file");
  const lines = (count: number) => "a();\n".repeat(count);
  assertAllowed("src/pool.ts", `function f() {\n${lines(38)}}`);
  assertRefused("src/pool.ts", `function f() {\n${lines(39)}}`, "A function");
  assertRefused(
    "src/pool.ts",
    `class A { f() {\n${lines(40)}} }`,
    "A function",
  );
  assertAllowed("tests/pool_test.ts", lines(301));
});
