/**
 * One contender under one workload, in a process of its own.
 *
 * Run by `main.ts` with the contender, the workload and its scene as JSON;
 * prints what was measured as one line of JSON.
 */
import type { Contender } from "./contenders/contender.ts";
import { WORKLOADS } from "./catalogue.ts";
import { lastKept } from "./workloads/stopwatch.ts";
import type { Scene } from "./workloads/workload.ts";

/** What a process answers. */
export interface Answer {
  readonly measured?: Readonly<Record<string, number>>;
  readonly failure?: string;
}

if (import.meta.main) {
  const { Deno, process } = globalThis as unknown as {
    Deno?: { args: string[]; exit(): never };
    process: { argv: string[]; exit(): never };
  };
  const args = Deno?.args ?? process.argv.slice(2);
  console.log(JSON.stringify(await answer(args)));
  // Some contenders keep the process alive after they were closed.
  (Deno ?? process).exit();
}

async function answer(args: readonly string[]): Promise<Answer> {
  const [name = "", workloadName, sceneJson = "{}"] = args;
  try {
    const workload = WORKLOADS.find(({ name }) => name === workloadName);
    if (workload === undefined) throw new Error(`No workload ${workloadName}`);
    const { contender }: { contender: Contender } = await import(
      `./contenders/${name}.ts`
    );
    const scene: Scene = { ...JSON.parse(sceneJson), name, contender };
    const measured = await workload.run(scene);
    // Used, so that nothing that was run could be left out.
    if (lastKept() === answer) throw new Error("Nothing was kept");
    return { measured };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
