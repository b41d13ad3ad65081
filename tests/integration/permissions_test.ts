import { assert, assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { type ProgramOptions, runProgram } from "../support/program.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const server = await sharedPostgres();
const PROGRAM = new URL("programs/permissions.ts", import.meta.url);
const NET = `--allow-net=${server.host}:${server.port}`;

/** What the PG* variables of a server are. */
function variables(applicationName: string): Record<string, string> {
  const { username, password, pathname } = new URL(server.url);
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: decodeURIComponent(username),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    PGAPPNAME: applicationName,
    ...(password === "" ? {} : { PGPASSWORD: decodeURIComponent(password) }),
  };
}

/** Runs the program and answers what it printed; nothing else may happen. */
async function run(options: ProgramOptions): Promise<string> {
  const { code, stdout, stderr } = await runProgram(PROGRAM, options);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout.trim();
}

Deno.test("--allow-net=HOST:PORT alone is enough when everything is passed", async () => {
  const applicationName = uniqueApplicationName();
  const args = [server.urlFor({ applicationName })];
  assertEquals(await run({ flags: [NET], args }), applicationName);
  await waitForNoSessions(server.url, applicationName);
});

Deno.test("--allow-net=HOST:PORT is enough when PG* variables are set that may not be read", async () => {
  const applicationName = uniqueApplicationName();
  const args = [server.urlFor({ applicationName })];
  const env = { ...variables("not-this"), PGHOST: "nowhere.invalid" };
  assertEquals(await run({ flags: [NET], args, env }), applicationName);
  await waitForNoSessions(server.url, applicationName);
});

Deno.test("with PG* variables --allow-env=PG* is enough as well", async () => {
  const applicationName = uniqueApplicationName();
  const flags = [NET, "--allow-env=PG*"];
  const env = variables(applicationName);
  assertEquals(await run({ flags, env }), applicationName);
  await waitForNoSessions(server.url, applicationName);
});

Deno.test("without --allow-net the error names it", async () => {
  const printed = await run({ flags: [], args: [server.url] });
  assertEquals(JSON.parse(printed), {
    name: "ConnectError",
    code: "CONNECT_FAILED",
    kind: "permission",
    message: `Cannot connect to ${server.host}:${server.port}: ` +
      `Deno needs ${NET}`,
  });
});

Deno.test("with another host in --allow-net the error names the one that is missing", async () => {
  const flags = ["--allow-net=example.org:5432"];
  const printed = await run({ flags, args: [server.url] });
  assertEquals(JSON.parse(printed).kind, "permission");
  assert(JSON.parse(printed).message.endsWith(NET));
});

Deno.test({
  name: "nothing prompts when what is needed is granted",
  ignore: Deno.build.os !== "linux" || !await exists("/usr/bin/script"),
  async fn() {
    // Deno prompts on a terminal only, so this runs on one.
    const applicationName = uniqueApplicationName();
    const url = server.urlFor({ applicationName });
    const words = [Deno.execPath(), "run", NET, String(PROGRAM), url];
    const command = words.map((word) => `'${word}'`).join(" ");
    const { stdout } = await new Deno.Command("/usr/bin/script", {
      args: ["--quiet", "--command", `timeout 20 ${command}`, "/dev/null"],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim(), applicationName);
    await waitForNoSessions(server.url, applicationName);
  },
});

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
