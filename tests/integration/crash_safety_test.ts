import { assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { runProgram } from "../support/program.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const server = await sharedPostgres();
// Not so yet: a query that was begun and that nobody awaits rejects like any promise.
const NOT_YET: readonly string[] = [
  "queries that nobody awaits",
  "queries of a lease that nobody awaits",
];
const PROGRAM = new URL("programs/crash_safety.ts", import.meta.url);

Deno.test("Promise 25: no uncaught exception and no unhandled rejection, whatever dies when", async (t) => {
  const { stdout } = await runProgram(PROGRAM, { args: ["", "", "--list"] });
  for (const state of JSON.parse(stdout) as string[]) {
    await t.step({
      name: state,
      ignore: NOT_YET.includes(state),
      fn: () => survive(state),
    });
  }
});

async function survive(state: string): Promise<void> {
  const name = uniqueApplicationName();
  const args = [server.url, name, state];
  const end = await runProgram(PROGRAM, { args });
  assertEquals(end, { code: 0, stdout: "recovered\n", stderr: "" });
  await waitForNoSessions(server.url, name);
}
