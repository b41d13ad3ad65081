/** Every example runs, ends by itself, and shows what it says it shows. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

/** What each example prints, among other things and in this order. */
const EXPECTED: Readonly<Record<string, readonly RegExp[]>> = {
  "cancel.ts": [
    /^Too slow: Cannot finish the query: it ran longer than 200 ms$/,
    /^Aborted: The visitor has left$/,
    /^Cancelled: 57014$/,
    /^Asleep on the server: 0$/,
    /^Connections opened: 1$/,
    /^Gave up waiting: true$/,
    /^Timed out: true$/,
    /^Waiting: 0$/,
  ],
  "copy.ts": [
    /^Copied in: 10000$/,
    /^Power cut: still 10000$/,
    /^Copied out: true$/,
    /^Seen by cursor: 300$/,
    /^Lost: 0$/,
  ],
  "edge_function.ts": [
    /^Hello Ada, Hello Bob, Hello Cleo, Hello Dan, Hello Eve, Hello Fay$/,
    /^At most 3 connections: true$/,
  ],
  "from_psycopg2.ts": [
    /^1\. With a scope: 42$/,
    /leased afterwards: 0$/,
    /^2\. 25 rounds done$/,
    /leased afterwards: 0$/,
    /^3\. leased: 20$/,
    /waiting: 1$/,
    /one came back, and the 21st has it$/,
    /AcquireTimeoutError: Cannot acquire a connection from pool-1 within \d+ ms: 20 leased, .* max 20$/,
    /leased afterwards: 0$/,
  ],
  "graceful_shutdown.ts": [
    ...Deno.build.os === "windows" ? [] : [/^SIGTERM: 1 leased$/],
    /^Visitor: Served to the end$/,
    /^Closed: 0 connections$/,
  ],
  "http_server.ts": [
    /^GET \/squares: 200 .*\{"n":3,"square":9\}\]$/,
    /^GET \/clock\?zone=Asia\/Tokyo: 200 \{"zone":"Asia\/Tokyo"\}$/,
    /^GET \/nothing: 404 Not found$/,
    /^GET \/squares, busy: 503 Try again later$/,
    /^Leased at the end: 0$/,
  ],
  "quick_start.ts": [
    /^One-shot: Venus, Earth$/,
    /^Lease: Luna$/,
    /^After the lease: 0 leased$/,
    /^Transaction: repeatable read$/,
    /^3 requests, 1 connection opened$/,
  ],
  "transaction.ts": [
    /^Committed: Ada 70, Bob 30$/,
    /^Refused: .*violates check constraint/,
    /^Rolled back: Ada 70, Bob 30$/,
    /^Savepoint: undone, the rest goes on$/,
    /^Committed: Ada 50, Bob 50$/,
    /^One after the other: (Ada 100, Bob 150|Ada 150, Bob 100)$/,
    /^One of them ran again: true$/,
  ],
};

interface Run {
  readonly code: number;
  readonly output: string;
  readonly complaints: string;
}

/** Runs an example as its first line says, with no database named but `url`. */
async function run(name: string, url: string | undefined): Promise<Run> {
  const kept = Object.entries(Deno.env.toObject()).filter(([variable]) =>
    !variable.startsWith("PG") && variable !== "DATABASE_URL"
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", new URL(name, EXAMPLES).href],
    clearEnv: true,
    env: {
      ...Object.fromEntries(kept),
      ...url === undefined ? {} : { DATABASE_URL: url },
    },
    signal: AbortSignal.timeout(60_000),
  }).output();
  const [output = "", complaints = ""] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  return { code, output, complaints };
}

function assertShows({ code, output, complaints }: Run, name: string): void {
  assertEquals(code, 0, complaints + output);
  let rest = output.split("\n");
  for (const expected of EXPECTED[name] ?? []) {
    const at = rest.findIndex((line) => expected.test(line));
    assert(at >= 0, `${name} does not print ${expected}:\n${output}`);
    rest = rest.slice(at + 1);
  }
}

async function exampleNames(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(EXAMPLES));
  return entries.filter(({ name }) => name.endsWith(".ts")).map(({ name }) =>
    name
  ).sort();
}

const server = await sharedPostgres();
const names = await exampleNames();

Deno.test("every example is expected to show something", () => {
  assertEquals(names, Object.keys(EXPECTED).sort());
});

for (const name of names) {
  Deno.test(`examples/${name} runs, shows what it should and leaves no session`, async () => {
    const applicationName = uniqueApplicationName({ name });
    const url = server.urlFor({ applicationName });
    assertShows(await run(name, url), name);
    await waitForNoSessions(server.url, applicationName);
  });
}

Deno.test("an example that is told no database starts one", async () => {
  const name = "quick_start.ts";
  const result = await run(name, undefined);
  assertShows(result, name);
  assertMatch(result.complaints, /^No DATABASE_URL: starting a PostgreSQL/);
});
