/**
 * The demo: a bank on a real PostgreSQL, 200 clients, and half of the
 * connections cut off in the middle. `deno task demo --help` tells more;
 * `server.ts` is how the pool is used.
 */
import { runBusyDay } from "./busy_day.ts";
import { closeAndCount } from "./closing.ts";
import {
  type DemoOptions,
  HELP,
  readCommandLine,
  UsageError,
} from "./command_line.ts";
import { Interruption } from "./interruption.ts";
import { Progress } from "./progress.ts";
import { proof, table } from "./report.ts";
import { openStage, originOf } from "./stage.ts";
import { judge } from "./verdict.ts";

const SUCCEEDED = 0;
const FAILED = 1;
const MISUSED = 2;
const INTERRUPTED = 130;

/** Runs the demo and answers the exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readCommandLine(args);
    if (!options.isAskingForHelp) return await perform(options);
    console.log(HELP);
    return SUCCEEDED;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nTry: deno task demo --help`);
    return MISUSED;
  }
}

async function perform(options: DemoOptions): Promise<number> {
  using interruption = new Interruption();
  using progress = new Progress();
  const { signal } = interruption;
  try {
    const act = options.isServing ? serve : run;
    return await act(options, progress, signal);
  } catch (error) {
    progress.stop();
    if (signal.aborted) {
      progress.note("  Interrupted");
      return INTERRUPTED;
    }
    console.error(describe(error));
    return FAILED;
  }
}

/** The run with clients; it succeeds when every check at its end holds. */
async function run(
  { url, seconds }: DemoOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  await using stage = await openStage(url, progress, signal);
  const facts = await runBusyDay(stage, seconds, progress, signal);
  const checks = judge(facts);
  console.log(`\n${table(facts)}\n\n${proof(checks)}\n`);
  return checks.every(({ holds }) => holds) ? SUCCEEDED : FAILED;
}

/** Serves until Ctrl-C; what is under way then is finished. */
async function serve(
  { url }: DemoOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  await using stage = await openStage(url, progress, signal);
  const origin = originOf(stage.http);
  console.log(`
  curl ${origin}/accounts/7
  curl ${origin}/accounts/7/statement
  curl ${origin}/total
  curl ${origin}/transfers -d '{"id":1,"from":7,"to":8,"amount":5}'

  Ctrl-C closes it.`);
  const isOver = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => isOver.resolve());
  await isOver.promise;
  progress.begin("Closing");
  await stage.http.shutdown();
  const left = await closeAndCount(stage);
  progress.done(`Closed; the server shows ${left} sessions of the pool`);
  return left === 0 ? SUCCEEDED : FAILED;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  if (cause === undefined) return message;
  const why = cause instanceof Error ? cause.message : String(cause);
  return message.includes(why) ? message : `${message}\n${why}`;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
