import { assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { Program, runProgram } from "../support/program.ts";
import {
  terminateBackends,
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const server = await sharedPostgres();
const PROGRAM = new URL("programs/process_exit.ts", import.meta.url);

/** A step that runs the program, and what it is to print. */
interface Expected {
  readonly [way: string]: string;
}

async function runWays(
  t: Deno.TestContext,
  expected: Expected,
  urlOf: (applicationName: string) => string,
): Promise<void> {
  for (const [way, stdout] of Object.entries(expected)) {
    await t.step(way, async () => {
      const applicationName = uniqueApplicationName();
      const args = [urlOf(applicationName), way];
      const end = await runProgram(PROGRAM, { args });
      assertEquals(end, { code: 0, stdout, stderr: "" });
      await waitForNoSessions(server.url, applicationName);
    });
  }
}

function onServer(applicationName: string): string {
  return server.urlFor({ applicationName });
}

Deno.test("Promise 26: a script that forgets close() ends by itself once its work is done", (t) =>
  runWays(t, {
    "a query": "done\nidle 1\n",
    "many queries": "done\nidle 10\n",
    "a pool that was not used": "done\nidle 0\n",
    "a pool with min": "done\nidle 3\n",
    "a lease": "done\nidle 1\n",
    "a lease that is not released": "done\nidle 0\n",
    "a transaction that is not ended": "done\nidle 0\n",
    "a cancelled query": "done\nidle 1\n",
    "a lost connection": "done\nidle 0\n",
    "a wait that timed out": "done\nidle 0\n",
  }, onServer));

Deno.test("Promise 26: a script that waits for a connection does not end early", async (t) => {
  await runWays(t, {
    "waits for a lease": "AcquireTimeoutError\ndone\nidle 0\n",
    "waits for a query": "done\nidle 1\n",
    "waits for a query of a lease": "done\nidle 0\n",
    "waits for its close": "done\nidle 0\n",
  }, onServer);
});

Deno.test("Promise 26: a script that waits for a server that is down does not end early", async (t) => {
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  await runWays(t, {
    "waits for a dial": "AcquireTimeoutError\ndone\nidle 0\n",
    "waits for a query's turn": "AcquireTimeoutError\ndone\nidle 0\n",
    "waits for a warm pool": "AcquireTimeoutError\ndone\nidle 0\n",
  }, () => `postgres://nobody@127.0.0.1:${port}/nothing`);
});

Deno.test("Promise 26: a script that waits for a server that does not answer does not end early", async (t) => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr;
  await runWays(t, {
    "waits for a dial": "AcquireTimeoutError\ndone\nidle 0\n",
    "waits for a query's turn": "AcquireTimeoutError\ndone\nidle 0\n",
    "waits for a warm pool": "AcquireTimeoutError\ndone\nidle 0\n",
  }, () => `postgres://nobody@127.0.0.1:${port}/nothing`);
});

Deno.test("Promise 26: with holdProcess an idle connection keeps the process alive, until it is gone", async () => {
  const applicationName = uniqueApplicationName();
  const args = [onServer(applicationName), "holds the process"];
  await using program = new Program(PROGRAM, { args });
  await program.printed("done\n");
  assertEquals(await terminateBackends(server.url, applicationName), 1);
  // Had it ended before, its connection would have been idle.
  const end = await program.end();
  assertEquals(end, { code: 0, stdout: "done\nidle 0\n", stderr: "" });
});

Deno.test("Promise 21: after close() the process has nothing of the pool to wait for", (t) =>
  runWays(t, {
    "closed": "done\nidle 0\n",
    "closed in use": "done\nidle 0\n",
  }, onServer));
