/** Rounds: each contender once, in a process of its own, in alternation. */
import type { Answer } from "./contender.ts";
import { ContenderProcess, isInstalled } from "./contender_process.ts";
import type { WorkloadResult } from "./results.ts";
import type { Scene, Workload } from "./workloads/workload.ts";

/** What a whole run goes by. */
export interface Plan {
  /** How many rounds, unless a workload says otherwise. */
  readonly rounds: number;
  /** How many at most, whatever it says. */
  readonly mostRounds: number;
  readonly scene: Pick<Scene, "url" | "ca" | "warmMs" | "runMs">;
}

/** A contender, and what was measured of it. */
interface Sample {
  readonly contender: string;
  readonly measured: Record<string, number>[];
  failure: string | undefined;
}

type OnProgress = (name: string, answer: Answer) => void;

// Processes differ, too: what the compiler makes of one is not what it makes of
// the next. So the rounds are shared out among two of each contender.
const LIVES = 2;

// Of a contender that takes so long that seven would be most of the whole run.
const SLOW_ROUNDS = 1;

/** Runs a workload with all of its contenders; tells what each of them answers. */
export async function runRounds(
  workload: Workload,
  plan: Plan,
  onProgress: OnProgress,
): Promise<WorkloadResult> {
  const samples = workload.contenders.filter(isInstalled).map((contender) => ({
    contender,
    measured: [],
    failure: undefined,
  }));
  const rounds = Math.min(workload.rounds ?? plan.rounds, plan.mostRounds);
  const runMs = Math.min(workload.runMs ?? Infinity, plan.scene.runMs);
  const scene = { ...plan.scene, runMs };
  if (workload.isLasting) {
    const most = Math.ceil(rounds / LIVES);
    for (let done = 0; done < rounds; done += most) {
      const some = { ...plan, scene, rounds: Math.min(most, rounds - done) };
      await runLasting(workload, some, samples, onProgress);
    }
  } else {
    const run = async (sample: Sample) => {
      if (isDone(sample, workload)) return;
      keep(sample, await runOne(sample, workload, scene), onProgress);
    };
    if (workload.isCounted) await Promise.all(samples.map(run));
    else await inTurns(samples, rounds, run);
  }
  return { name: workload.name, contenders: samples.map(withoutUndefined) };
}

/** Each goes first in turn: what came before leaves the machine warm. */
async function inTurns(
  samples: readonly Sample[],
  rounds: number,
  run: (sample: Sample) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? samples : samples.toReversed();
    for (const sample of order) {
      if (sample.failure === undefined) await run(sample);
    }
  }
}

/** One process for each contender, warmed up once, for all of these rounds. */
async function runLasting(
  workload: Workload,
  { rounds, scene }: Plan,
  samples: readonly Sample[],
  onProgress: OnProgress,
): Promise<void> {
  const start = ({ contender }: Sample) =>
    new ContenderProcess(contender, workload.name, scene);
  // What they load, they load beside each other.
  const processes = new Map(samples.map((sample) => [sample, start(sample)]));
  for (const [sample, process] of processes) {
    const { failure } = await process.measure();
    if (failure !== undefined) keep(sample, { failure }, onProgress);
  }
  await inTurns(samples, rounds, async (sample) => {
    keep(sample, await processes.get(sample)!.measure(), onProgress);
  });
  for (const process of processes.values()) await process.end();
}

function isDone({ contender, measured }: Sample, { slow }: Workload): boolean {
  return slow?.includes(contender) === true && measured.length >= SLOW_ROUNDS;
}

async function runOne(
  { contender }: Sample,
  workload: Workload,
  scene: Plan["scene"],
): Promise<Answer> {
  if (workload.isOutside) return await runOutside(contender, workload, scene);
  const process = new ContenderProcess(contender, workload.name, scene);
  const answer = await process.next();
  await process.end();
  return answer;
}

function keep(sample: Sample, answer: Answer, onProgress: OnProgress): void {
  onProgress(sample.contender, answer);
  if (answer.measured !== undefined) sample.measured.push(answer.measured);
  else sample.failure = answer.failure ?? "no answer";
}

function withoutUndefined({ failure, ...rest }: Sample) {
  return failure === undefined ? rest : { ...rest, failure };
}

async function runOutside(
  name: string,
  workload: Workload,
  scene: Plan["scene"],
): Promise<Answer> {
  const contender = {
    open() {
      throw new Error("A whole process opens nothing here");
    },
  };
  try {
    const all = workload.run({ ...scene, name, contender });
    return { measured: (await all.next()).value! };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
