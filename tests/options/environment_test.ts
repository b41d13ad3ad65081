import { firstVariable } from "../../src/options/environment.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";

const ENVIRONMENT =
  new URL("../../src/options/environment.ts", import.meta.url).href;
const POOL_OPTIONS = new URL("../../src/pool_options.ts", import.meta.url).href;

interface Run {
  readonly flags: readonly string[];
  readonly env?: Record<string, string>;
}

/** Runs `source` in a process of its own with just these permissions. */
async function run(source: string, { flags, env = {} }: Run): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", ...flags, "-"],
    env: { ...env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return (decoder.decode(stdout) + decoder.decode(stderr)).trim();
}

function reading(...names: string[]): string {
  return `import { readEnvironment } from "${ENVIRONMENT}";
    console.log(JSON.stringify(${JSON.stringify(names)}.map(
      (name) => readEnvironment(name) ?? "-")));`;
}

function resolving(...args: unknown[]): string {
  return `import { resolvePoolOptions } from "${POOL_OPTIONS}";
    const { username, database, password, driver } =
      resolvePoolOptions(...${JSON.stringify(args)});
    console.log(username, database, password,
      driver.connection.application_name);`;
}

Deno.test("readEnvironment() reads what is granted", async () => {
  const flags = ["--allow-env"];
  const env = { PGHOST: "db", PGPORT: "" };
  assertEquals(
    await run(reading("PGHOST", "PGPORT"), { flags, env }),
    '["db","-"]',
  );
});

Deno.test("readEnvironment() reads only the names that are granted", async () => {
  const flags = ["--allow-env=PG*"];
  const env = { PGHOST: "db", USER: "me" };
  assertEquals(
    await run(reading("PGHOST", "USER"), { flags, env }),
    '["db","-"]',
  );
});

Deno.test("readEnvironment() touches nothing that would have to be asked for", async () => {
  const watching = `globalThis.process = {
    get env() { console.log("touched"); return {}; } };`;
  const source = `${watching}${reading("PGHOST")}`;
  assertEquals(await run(source, { flags: [] }), '["-"]');
});

Deno.test("readEnvironment() reads nothing that is denied", async () => {
  const flags = ["--allow-env", "--deny-env=PGHOST"];
  const env = { PGHOST: "db", PGPORT: "1" };
  assertEquals(
    await run(reading("PGHOST", "PGPORT"), { flags, env }),
    '["-","1"]',
  );
});

Deno.test("resolvePoolOptions() needs no permission when everything is passed", async () => {
  const source = resolving("postgres://me:secret@db/shop");
  const env = { PGAPPNAME: "other", PGPASSWORD: "other" };
  assertEquals(
    await run(source, { flags: [], env }),
    "me shop secret tidepool",
  );
});

Deno.test("resolvePoolOptions() needs only a user name", async () => {
  const flags = ["--allow-env=PG*"];
  assertEquals(
    await run(resolving(), { flags, env: { PGUSER: "me" } }),
    "me me  tidepool",
  );
});

Deno.test("resolvePoolOptions() says what to allow when no user name can be read", async () => {
  const output = await run(resolving(), { flags: [], env: { PGUSER: "me" } });
  assertStringIncludes(
    output,
    "TypeError: Cannot create the pool: no user name is given: pass username, " +
      "put it in the URL, or set PGUSER and allow it with --allow-env=PG*",
  );
});

Deno.test("resolvePoolOptions() asks for no permission that it has when there is no user name", async () => {
  const flags = ["--allow-env=PG*"];
  const env = { PGUSER: "", PGUSERNAME: "" };
  const output = await run(resolving(), { flags, env });
  assertStringIncludes(output, "put it in the URL, or set PGUSER");
  assert(!output.includes("--allow-env"), output);
});

Deno.test("firstVariable() answers the first name that is set", () => {
  const env: Record<string, string> = { B: "", C: "3", D: "4" };
  assertEquals(firstVariable((name) => env[name], ["A", "B", "C", "D"]), {
    name: "C",
    text: "3",
  });
  assertEquals(firstVariable(() => undefined, ["A"]), undefined);
});
