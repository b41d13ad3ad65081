/**
 * `deno task test`: runs the tests with one PostgreSQL server for all of them.
 *
 * Every test file is loaded by itself, so that none can hold what another
 * uses. The server is therefore ours; it is started when the first test asks,
 * for a run of the unit tests alone needs none. Arguments are `deno test`'s.
 */
import {
  startPostgres,
  type TestServer,
} from "../tests/support/postgres_server.ts";

/** Runs the tests and answers the exit code. */
async function runTests(args: readonly string[]): Promise<number> {
  const lender = new ServerLender();
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", ...args],
    env: { TIDEPOOL_TEST_LENDER: String(lender.port) },
  }).spawn();
  // A Ctrl-C reaches the tests as well. They end, and then we do, in order.
  for (const signal of interruptions()) {
    Deno.addSignalListener(signal, () => stopTests(tests));
  }
  const { code } = await tests.status;
  await lender.stop();
  return code;
}

/** Tells whoever connects where the server is, and starts it for the first. */
class ServerLender {
  #server: Promise<TestServer> | undefined;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = this.#serve();

  get port(): number {
    return this.#listener.addr.port;
  }

  async stop(): Promise<void> {
    this.#listener.close();
    await this.#serving;
    const server = await this.#server?.catch(() => undefined);
    await server?.[Symbol.asyncDispose]();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      const answer = new Response(JSON.stringify(await this.#lend()));
      await answer.body?.pipeTo(connection.writable).catch(() => {});
    }
  }

  async #lend(): Promise<Record<string, unknown>> {
    try {
      const { url, pid, dataDir } = await (this.#server ??= startPostgres());
      return { url, pid, dataDir };
    } catch (error) {
      return { error: describe(error) };
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause === undefined ? message : `${message}\n${describe(cause)}`;
}

function interruptions(): readonly Deno.Signal[] {
  return Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
}

function stopTests(tests: Deno.ChildProcess): void {
  try {
    tests.kill("SIGINT");
  } catch {
    // They have ended already.
  }
}

if (import.meta.main) Deno.exit(await runTests(Deno.args));
