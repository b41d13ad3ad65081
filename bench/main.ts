/**
 * `deno task bench [NAME…] [--quick] [--check]`: each number beside its
 * baselines, each contender in a process of its own, in alternation.
 *
 * `--quick` makes few and short rounds, to see that all works, and writes
 * nothing. Nor does `--check`: it fails when a ratio is worse than the committed
 * one by more than the spread of both.
 */
import { workloadsNamed } from "./catalogue.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { failuresOfOurs, regressions } from "./regression.ts";
import {
  readLatest,
  type Results,
  type WorkloadResult,
  writeLatest,
} from "./results.ts";
import { type Plan, runRounds } from "./rounds.ts";
import { openStage, type Stage } from "./stage.ts";
import { budgetTable, number, spreadText, workloadTable } from "./table.ts";
import type { Workload } from "./workloads/workload.ts";

interface CommandLine {
  readonly workloads: readonly Workload[];
  readonly isQuick: boolean;
  readonly isCheck: boolean;
}

const ROUNDS = 7;
const QUICK_ROUNDS = 2;
const FULL = { warmMs: 1_250, runMs: 300 };
const QUICK = { warmMs: 60, runMs: 120 };

if (import.meta.main) Deno.exit(await main(readCommandLine(Deno.args)));

async function main(command: CommandLine): Promise<number> {
  const start = performance.now();
  const results = await runAll(command);
  const seconds = (performance.now() - start) / 1_000;
  console.log(`\n${budgetTable(results)}\n\n${seconds.toFixed(0)} s`);
  const failed = failuresOfOurs(results);
  if (failed.length > 0) {
    console.error(`Cannot compare: ours failed in ${failed.join(", ")}`);
    return 1;
  }
  if (command.isCheck) return await check(results);
  if (command.isQuick) return 0;
  const merged = await writeLatest(results);
  // Loaded only now: a library that draws takes its time and memory.
  const { drawCharts } = await import("./charts.ts");
  const { writeReport } = await import("./report.ts");
  await writeReport(merged, await drawCharts(merged));
  return 0;
}

async function runAll(
  { workloads, isQuick }: CommandLine,
): Promise<Results> {
  await using stage = await openStage();
  const found: WorkloadResult[] = [];
  const date = new Date().toISOString().slice(0, 10);
  const results: Results = {
    date,
    machine: await describeMachine(),
    versions: await describeVersions(stage.serverVersion),
    workloads: found,
  };
  for (const workload of workloads) {
    console.log(`\n## ${workload.name}: ${workload.title}\n`);
    const plan = planOf(stage, isQuick);
    found.push({ ...await runRounds(workload, plan, showFailure), date });
    console.log(workloadTable(results, workload.name));
  }
  return results;
}

function planOf({ url, ca }: Stage, isQuick: boolean): Plan {
  return {
    rounds: ROUNDS,
    mostRounds: isQuick ? QUICK_ROUNDS : Infinity,
    scene: { url, ca, ...isQuick ? QUICK : FULL },
  };
}

function showFailure(
  contender: string,
  { failure }: { readonly failure?: string },
): void {
  if (failure !== undefined) console.log(`${contender} failed: ${failure}`);
}

async function check(results: Results): Promise<number> {
  const committed = await readLatest();
  if (committed === undefined) {
    console.error("Cannot check: bench/results/latest.json is missing");
    return 1;
  }
  const worse = regressions(committed, results);
  for (const { what, before, now } of worse) {
    const was = spreadText(before, number);
    console.error(`Worse: ${what}: was ${was}, is ${spreadText(now, number)}`);
  }
  if (worse.length === 0) {
    console.log("Nothing is worse than what is committed");
  }
  return worse.length === 0 ? 0 : 1;
}

function readCommandLine(args: readonly string[]): CommandLine {
  const flags = args.filter((arg) => arg.startsWith("-"));
  for (const flag of flags) {
    if (flag === "--quick" || flag === "--check") continue;
    throw new RangeError(`Cannot run with ${flag}: there is no such option`);
  }
  return {
    workloads: workloadsNamed(args.filter((arg) => !arg.startsWith("-"))),
    isQuick: flags.includes("--quick"),
    isCheck: flags.includes("--check"),
  };
}
