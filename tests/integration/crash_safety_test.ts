import { assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { runProgram } from "../support/program.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const server = await sharedPostgres();
const PROGRAM = new URL("programs/crash_safety.ts", import.meta.url);

Deno.test("Promise 25: no uncaught exception and no unhandled rejection, whatever dies when", async (t) => {
  const { stdout } = await runProgram(PROGRAM, { args: ["", "", "--list"] });
  for (const state of JSON.parse(stdout) as string[]) {
    await t.step(state, () => survive(state));
  }
});

async function survive(state: string): Promise<void> {
  const name = uniqueApplicationName();
  const args = [server.url, name, state];
  const end = await runProgram(PROGRAM, { args });
  assertEquals(end, { code: 0, stdout: "recovered\n", stderr: "" });
  await waitForNoSessions(server.url, name);
}
