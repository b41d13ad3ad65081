/** A contender in a process of its own, that measures when it is told to. */
import type { Answer } from "./contender.ts";
import type { Scene } from "./workloads/workload.ts";

// The longest measurement takes a few seconds; what is not done by then hangs.
const TIMEOUT_MS = 30_000;

/** One process; one that measures more than once is idle until it is told to. */
export class ContenderProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #go: WritableStreamDefaultWriter<Uint8Array>;

  constructor(
    contender: string,
    workload: string,
    scene: Pick<Scene, "url" | "ca" | "warmMs" | "runMs">,
  ) {
    const program = new URL("contender.ts", import.meta.url).pathname;
    const args = [program, contender, workload, JSON.stringify(scene)];
    this.#child = commandOf(contender, args).spawn();
    this.#lines = linesOf(this.#child.stdout);
    this.#go = this.#child.stdin.getWriter();
  }

  /** What it answers next. */
  async next(): Promise<Answer> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), TIMEOUT_MS);
    const { value } = await this.#lines.next();
    clearTimeout(timer);
    if (value !== undefined) return JSON.parse(value);
    return { failure: await this.#explain() };
  }

  /** Warms up, the first time, and then measures once. */
  async measure(): Promise<Answer> {
    await this.#go.write(new Uint8Array([0x0a])).catch(() => {});
    return await this.next();
  }

  /** Ends it. */
  async end(): Promise<void> {
    await this.#go.close().catch(() => {});
    await this.#child.status;
    await this.#child.stderr.cancel().catch(() => {});
  }

  async #explain(): Promise<string> {
    const { signal } = await this.#child.status;
    if (signal === "SIGKILL") return `not done within ${TIMEOUT_MS / 1_000} s`;
    const said = await new Response(this.#child.stderr).text();
    return said.trim().split("\n")[0] || "the process ended without an answer";
  }
}

function commandOf(contender: string, args: readonly string[]): Deno.Command {
  const streams = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  if (contender === "bun_sql") {
    return new Deno.Command(bun()!, { args: ["run", ...args], ...streams });
  }
  const flags = ["-A", "--no-check", "--v8-flags=--expose-gc"];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, ...args],
    ...streams,
  });
}

async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Whether what it needs is here. */
export function isInstalled(contender: string): boolean {
  return contender !== "bun_sql" || bun() !== undefined;
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
