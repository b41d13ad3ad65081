import { assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";

const server = await sharedPostgres();
const PROGRAM = new URL("driver_program.ts", import.meta.url).pathname;

/** Runs a program to its end; one that does not end is killed, and has no code 0. */
async function outcome(program: string) {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", PROGRAM, program],
    env: { SERVER_URL: server.url, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => process.kill("SIGKILL"), 30_000);
  const { code, stdout, stderr } = await process.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout).trim(),
    stderr: decoder.decode(stderr).trim(),
  };
}

const DONE = { code: 0, stdout: "done", stderr: "" };

Deno.test("a process with an idle connection ends by itself", async () => {
  assertEquals(await outcome("idle"), DONE);
});

Deno.test("a process with a statement under way waits for it", async () => {
  assertEquals(await outcome("running"), DONE);
});

Deno.test("a process waits for a connection that closes", async () => {
  assertEquals(await outcome("closing"), DONE);
});

Deno.test("no killed connection ends the process, whatever was open on it", async () => {
  assertEquals(await outcome("killed"), DONE);
});

Deno.test("a connection that dies with an unwritable statement in line does not end the process", async () => {
  assertEquals(await outcome("unwritable"), DONE);
});

Deno.test("no peer that lies ends the process", async () => {
  const { code, stdout, stderr } = await outcome("liars");
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(stdout.split("\n"), [
    "protocol",
    "protocol",
    "auth",
    "protocol",
    "protocol",
  ]);
});
