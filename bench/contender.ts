/**
 * One contender under one workload, in a process of its own.
 *
 * Run by `main.ts` with the contender, the workload and its scene as JSON;
 * prints what was measured, each time as one line of JSON.
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

interface Runtime {
  readonly Deno?: { readonly args: string[]; exit(): never };
  readonly process: {
    readonly argv: string[];
    readonly stdin: AsyncIterable<Uint8Array>;
    exit(): never;
  };
}

if (import.meta.main) {
  const { Deno, process } = globalThis as unknown as Runtime;
  const args = Deno?.args ?? process.argv.slice(2);
  try {
    await answer(args, process.stdin);
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    say({ failure });
  }
  // Some contenders keep the process alive after they were closed.
  (Deno ?? process).exit();
}

/** Measures what it is told to: at once, and once more for each line that comes. */
async function answer(
  [name = "", workloadName, sceneJson = "{}"]: readonly string[],
  lines: AsyncIterable<unknown>,
): Promise<void> {
  const workload = WORKLOADS.find(({ name }) => name === workloadName);
  if (workload === undefined) throw new Error(`No workload ${workloadName}`);
  const { contender }: { contender: Contender } = await import(
    `./contenders/${name}.ts`
  );
  const scene: Scene = { ...JSON.parse(sceneJson), name, contender };
  const measurements = workload.run(scene);
  say({ measured: (await measurements.next()).value! });
  // Used, so that nothing that was run could be left out.
  if (lastKept() === answer) throw new Error("Nothing was kept");
  if (!workload.isLasting) return void await measurements.return(undefined);
  for await (const _ of lines) {
    say({ measured: (await measurements.next()).value! });
  }
  await measurements.return(undefined);
}

function say(answer: Answer): void {
  console.log(JSON.stringify(answer));
}
