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

const LINE_FEED = 0x0a;

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

/** Measures what it is told to, once for each line that comes; what is measured once, without one. */
async function answer(
  [name = "", workloadName, sceneJson = "{}"]: readonly string[],
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const workload = WORKLOADS.find(({ name }) => name === workloadName);
  if (workload === undefined) throw new Error(`No workload ${workloadName}`);
  const { contender }: { contender: Contender } = await import(
    `./contenders/${name}.ts`
  );
  const scene: Scene = { ...JSON.parse(sceneJson), name, contender };
  const measurements = workload.run(scene);
  const lines = workload.isLasting ? linesOf(chunks) : [undefined];
  for await (const _ of lines) {
    say({ measured: (await measurements.next()).value! });
    // Used, so that nothing that was run could be left out.
    if (lastKept() === answer) throw new Error("Nothing was kept");
  }
  await measurements.return(undefined);
}

/** One for each line, whose text is nothing to us. */
async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<undefined> {
  for await (const chunk of chunks) {
    for (const byte of chunk) if (byte === LINE_FEED) yield;
  }
}

function say(answer: Answer): void {
  console.log(JSON.stringify(answer));
}
