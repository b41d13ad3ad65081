import postgres from "postgres";
import {
  readCommandLine,
  UsageError,
} from "../../examples/demo/command_line.ts";
import { bars, showMs } from "../../examples/demo/report.ts";
import { type Facts, judge } from "../../examples/demo/verdict.ts";
import { PoolCounters } from "../../src/pool_stats.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";

const server = await sharedPostgres();

const CLAIMS = [
  "No money was lost",
  "Every balance is right",
  "No transfer was lost",
  "No other error",
  "The pool is whole again",
  "close() left no session",
];

function demo(
  args: readonly string[],
  env: Record<string, string> = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "demo", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function runDemo(args: readonly string[], env?: Record<string, string>) {
  const { code, stdout, stderr } = await demo(args, env).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** What the demo would leave on a server that is not its own. */
async function leftovers(): Promise<number> {
  const sql = postgres(server.url, { max: 1, max_lifetime: 0 });
  const [row] = await sql<{ count: number }[]>`
    select (
      (select count(*) from pg_namespace where nspname like 'tidepool_demo_%') +
      (select count(*) from pg_stat_activity
        where application_name like 'tidepool_demo_%')
    )::int as count`;
  await sql.end({ timeout: 1 });
  return row!.count;
}

/** What a run without fault would have measured. */
function soundFacts(): Facts {
  const gauges = {
    name: "pool-1",
    max: 10,
    min: 10,
    waiting: 0,
    isPaused: false,
  };
  const counts = {
    ...{ connecting: 0, idle: 10, preparing: 0, leased: 0, shared: 0 },
    ...{ releasing: 0, closing: 0 },
  };
  return {
    clients: 200,
    elapsedMs: 2_000,
    slices: [1, 2],
    tally: {
      requests: 10,
      answered: { transfer: 2, account: 3, statement: 1, total: 1 },
      errors: { aborted: 2, "503 CONNECTION_LOST": 1 },
      confirmed: [1, 2],
      retries: 0,
    },
    outage: { terminated: 5, recoveredMs: 12 },
    totalBefore: 100,
    books: {
      total: 100,
      accounts: 10,
      wrongAccounts: 0,
      booked: 3,
      missing: 0,
    },
    stats: new PoolCounters().snapshot({ ...gauges, counts }),
    sessionsLeft: 0,
  };
}

Deno.test("deno task demo proves its claims with nothing set up", async () => {
  const env = { TIDEPOOL_TEST_URL: "", DATABASE_URL: "" };
  const { code, out, err } = await runDemo(["--seconds", "2"], env);
  assertEquals(code, 0, out + err);
  for (const claim of CLAIMS) assertStringIncludes(out, `✓ ${claim}`);
  assertMatch(out, /10,000,000 before, 10,000,000 after/);
  assertMatch(out, /acquire +p50 .* ms · p99 .* ms/);
  assertMatch(out, /connections +\d+ opened, each used \d+ times/);
  assertMatch(out, /outage +5 backends terminated, 5 new ones open/);
  assertMatch(out, / [1-9]\.\d s {2}[●◐○◌×]+ +[\d,]+ requests/); // a line a second
  assert(!out.includes("\x1b"), "there is no terminal to write over");
  assertEquals(err.trim().split("\n").length, 1, err); // the task's own line
});

Deno.test("deno task demo leaves nothing on a server that is not its own", async () => {
  const { code, out, err } = await runDemo(
    ["--seconds", "1", "--url", server.url],
  );
  assertEquals(code, 0, out + err);
  assertStringIncludes(out, "PostgreSQL");
  assertStringIncludes(out, `yours, on ${server.host}:${server.port}`);
  assertEquals(await leftovers(), 0);
});

Deno.test({
  name: "deno task demo --serve serves until it is told to end",
  ignore: Deno.build.os === "windows", // a signal could not be caught there
  async fn() {
    await using process = demo(["--serve", "--url", server.url]).spawn();
    const lines = process.stdout.pipeThrough(new TextDecoderStream());
    let out = "";
    for await (const text of lines.values({ preventCancel: true })) {
      out += text;
      if (out.includes("Ctrl-C")) break;
    }
    const origin = /HTTP on (\S+)/.exec(out)?.[1];
    const response = await fetch(`${origin}/total`);
    assertEquals(await response.json(), { total: 10_000_000 });
    process.kill("SIGINT");
    for await (const text of lines) out += text;
    await process.stderr.cancel();
    assertEquals((await process.status).code, 0, out);
    assertStringIncludes(out, "the server shows 0 sessions");
    assertEquals(await leftovers(), 0);
  },
});

Deno.test("deno task demo --help tells every option", async () => {
  const { code, out } = await runDemo(["--help"]);
  assertEquals(code, 0);
  for (const option of ["--seconds", "--url", "--serve", "--help"]) {
    assertStringIncludes(out, option);
  }
});

Deno.test("deno task demo names an option that it does not know", async () => {
  const { code, out, err } = await runDemo(["--second", "3"]);
  assertEquals(code, 2);
  assertEquals(out, "");
  assertStringIncludes(err, "--second");
});

Deno.test("deno task demo fails with the reason when there is no server", async () => {
  const url = "postgres://somebody:secret@127.0.0.1:1/nowhere";
  const { code, out, err } = await runDemo(["--url", url]);
  assertEquals(code, 1);
  assertStringIncludes(err, "127.0.0.1:1");
  assertStringIncludes(err, "refused");
  assert(!(out + err.replace(/^.*Task.*$/m, "")).includes("secret"));
});

Deno.test("readCommandLine() refuses what makes no sense", () => {
  const nothing = { get: () => undefined };
  for (
    const args of [
      ["--nope"],
      ["extra"],
      ["--seconds"],
      ["--seconds", "soon"],
      ["--seconds", ""],
      ["--seconds", "0"],
      ["--seconds", "1e9"],
      ["--url", "nonsense"],
      ["--url", "http://127.0.0.1/"],
      ["--serve=yes"],
    ]
  ) {
    assertThrows(() => readCommandLine(args, nothing), UsageError);
  }
});

Deno.test("readCommandLine() prefers --url to the environment", () => {
  const values: Record<string, string> = { DATABASE_URL: "postgres://b/" };
  const environment = { get: (name: string) => values[name] };
  const read = (...args: string[]) => readCommandLine(args, environment).url;
  assertEquals(read(), "postgres://b/");
  values["TIDEPOOL_TEST_URL"] = "postgres://a/";
  assertEquals(read(), "postgres://a/");
  assertEquals(read("--url", "postgres://c/"), "postgres://c/");
  assertEquals(readCommandLine([], { get: () => "" }).url, undefined);
});

Deno.test("judge() finds no fault with a sound run", () => {
  const checks = judge(soundFacts());
  assertEquals(checks.map(({ claim }) => claim), CLAIMS);
  assert(checks.every(({ holds }) => holds));
});

Deno.test("judge() finds the one claim that does not hold", async (t) => {
  const { tally, books, stats, outage } = soundFacts();
  const faults: [fault: string, claim: string, facts: Partial<Facts>][] = [
    ["a coin is gone", CLAIMS[0]!, { books: { ...books, total: 99 } }],
    ["a coin was made", CLAIMS[0]!, { books: { ...books, total: 101 } }],
    [
      "a balance is off",
      CLAIMS[1]!,
      { books: { ...books, wrongAccounts: 1 } },
    ],
    ["a transfer is gone", CLAIMS[2]!, { books: { ...books, missing: 1 } }],
    ["nothing was done", CLAIMS[2]!, { tally: { ...tally, confirmed: [] } }],
    [
      "another error",
      CLAIMS[3]!,
      { tally: { ...tally, errors: { "503 ACQUIRE_TIMEOUT": 1 } } },
    ],
    [
      "a wrong answer",
      CLAIMS[3]!,
      { tally: { ...tally, errors: { "wrong total": 1 } } },
    ],
    ["one is leased", CLAIMS[4]!, { stats: { ...stats, idle: 9, leased: 1 } }],
    ["one is gone", CLAIMS[4]!, { stats: { ...stats, idle: 9, total: 9 } }],
    ["one too many", CLAIMS[4]!, { stats: { ...stats, total: 11 } }],
    ["somebody waits", CLAIMS[4]!, {
      stats: { ...stats, waiting: 1, isPaused: false },
    }],
    [
      "too few were terminated",
      CLAIMS[4]!,
      { outage: { ...outage, terminated: 4 } },
    ],
    [
      "they were not replaced",
      CLAIMS[4]!,
      { outage: { ...outage, recoveredMs: undefined } },
    ],
    ["a session is left", CLAIMS[5]!, { sessionsLeft: 1 }],
    ["nobody could count", CLAIMS[5]!, { sessionsLeft: NaN }],
  ];
  for (const [fault, claim, facts] of faults) {
    await t.step(fault, () => {
      const failed = judge({ ...soundFacts(), ...facts })
        .filter(({ holds }) => !holds);
      assertEquals(failed.map((check) => check.claim), [claim]);
    });
  }
});

Deno.test("judge() expects no lost connection when none was cut", () => {
  const outage = { terminated: 0, recoveredMs: undefined };
  const failed = judge({ ...soundFacts(), outage })
    .filter(({ holds }) => !holds).map(({ claim }) => claim);
  assertEquals(failed, [CLAIMS[3]!, CLAIMS[4]!]);
});

Deno.test("bars() draws the busiest moment in full and an empty one as nothing", () => {
  assertEquals(bars([0, 1, 8, 4]), " ▁█▄");
  assertEquals(bars([]), "");
  assertEquals(bars(Array(1_000).fill(3)).length <= 48, true);
});

Deno.test("showMs() keeps the digits that mean something", () => {
  assertEquals([0, 0.123, 12.34, 1234.5].map(showMs), [
    "0 ms",
    "0.12 ms",
    "12.3 ms",
    "1235 ms",
  ]);
});
