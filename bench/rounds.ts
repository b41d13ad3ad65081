/** Rounds: each contender once, in a process of its own, in alternation. */
import type { Answer } from "./contender.ts";
import type { WorkloadResult } from "./results.ts";
import type { Scene, Workload } from "./workloads/workload.ts";

/** What a whole run goes by. */
export interface Plan {
  readonly rounds: number;
  readonly scene: Pick<Scene, "url" | "ca" | "warmMs" | "runMs">;
}

// The longest workload takes a few seconds; whoever is not done by then hangs.
const PROCESS_TIMEOUT_MS = 30_000;

/** Runs a workload with all of its contenders; tells about each process when it ends. */
export async function runRounds(
  workload: Workload,
  plan: Plan,
  onProgress: (name: string, answer: Answer) => void,
): Promise<WorkloadResult> {
  const names = workload.contenders.filter(isInstalled);
  const samples = names.map((contender) => ({
    contender,
    measured: [] as Record<string, number>[],
    failure: undefined as string | undefined,
  }));
  const rounds = Math.min(plan.rounds, workload.rounds ?? Infinity);
  for (let round = 0; round < rounds; round++) {
    // Each goes first in turn: what came before leaves the machine warm.
    const order = round % 2 === 0 ? samples : samples.toReversed();
    for (const sample of order) {
      if (sample.failure !== undefined) continue;
      const answer = await runOne(sample.contender, workload, plan);
      onProgress(sample.contender, answer);
      if (answer.measured !== undefined) sample.measured.push(answer.measured);
      else sample.failure = answer.failure ?? "no answer";
    }
  }
  return { name: workload.name, contenders: samples.map(withoutUndefined) };
}

function withoutUndefined<T extends { failure: string | undefined }>(
  { failure, ...rest }: T,
) {
  return failure === undefined ? rest : { ...rest, failure };
}

function isInstalled(name: string): boolean {
  return name !== "bun_sql" || bun() !== undefined;
}

function bun(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.map((folder) => `${folder}/bun`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

async function runOne(
  name: string,
  workload: Workload,
  { scene }: Plan,
): Promise<Answer> {
  if (workload.isOutside) return await runOutside(name, workload, scene);
  const program = new URL("contender.ts", import.meta.url).pathname;
  const rest = [program, name, workload.name, JSON.stringify(scene)];
  const command = name === "bun_sql"
    ? new Deno.Command(bun()!, { args: ["run", ...rest], ...STREAMS })
    : new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", ...rest],
      ...STREAMS,
    });
  const child = command.spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PROCESS_TIMEOUT_MS);
  const { stdout, stderr, signal } = await child.output();
  clearTimeout(timer);
  return parse(stdout, stderr, signal);
}

const STREAMS = { stdin: "null", stdout: "piped", stderr: "piped" } as const;

function parse(
  stdout: Uint8Array,
  stderr: Uint8Array,
  signal: Deno.Signal | null,
): Answer {
  const line = new TextDecoder().decode(stdout).trim().split("\n").at(-1);
  try {
    return JSON.parse(line!);
  } catch {
    const said = new TextDecoder().decode(stderr).trim().split("\n")[0];
    const isLate = signal === "SIGKILL";
    return {
      failure: isLate
        ? `not done within ${PROCESS_TIMEOUT_MS / 1_000} s`
        : said || "the process ended without an answer",
    };
  }
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
    return { measured: await workload.run({ ...scene, name, contender }) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
