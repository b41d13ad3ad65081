/** Programs that a test runs in a process of their own. */

/** How a program is run. */
export interface ProgramOptions {
  /** Flags of `deno run`; `--allow-all` unless told. */
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  /** Variables beside our own, of which those that start with PG are left out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** When it is killed, so long after it was asked for its end; a minute unless told. */
  readonly deadlineMs?: number;
}

/** How a program ended, and all that it printed. */
export interface ProgramEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

// Of a program that should have ended long ago.
const DEADLINE_MS = 60_000;

/** One run of a program; killed when it is left. */
export class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #stdout: Promise<string>;
  readonly #stderr: Promise<string>;
  readonly #watchers = new Map<string, () => void>();
  readonly #deadlineMs: number;
  #printed = "";

  constructor(url: URL | string, options: ProgramOptions = {}) {
    const { flags = ["--allow-all"], args = [], env = {}, cwd } = options;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", ...flags, String(url), ...args],
      env: { ...environmentWithoutPostgres(), NO_COLOR: "1", ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#process = command.spawn();
    this.#stdout = this.#read();
    this.#stderr = new Response(this.#process.stderr).text();
  }

  /** Resolves once the program has printed `text`; rejects when it ends without. */
  printed(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#printed.includes(text)) return resolve();
      this.#watchers.set(text, resolve);
      void this.end().then((end) =>
        reject(new Error(`It never printed ${text}: ${JSON.stringify(end)}`))
      );
    });
  }

  /** Resolves once the program has ended by itself; past its deadline it is killed. */
  async end(): Promise<ProgramEnd> {
    const late = setTimeout(() => this.#kill(), this.#deadlineMs);
    const { code } = await this.#process.status;
    clearTimeout(late);
    return { code, stdout: await this.#stdout, stderr: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.end();
  }

  async #read(): Promise<string> {
    const texts = this.#process.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      this.#printed += text;
      for (const [awaited, resolve] of this.#watchers) {
        if (this.#printed.includes(awaited)) resolve();
      }
    }
    return this.#printed;
  }

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

/** Runs a program to its end. */
export async function runProgram(
  url: URL | string,
  options?: ProgramOptions,
): Promise<ProgramEnd> {
  await using program = new Program(url, options);
  return await program.end();
}

function environmentWithoutPostgres(): Record<string, string> {
  const variables = Object.entries(Deno.env.toObject());
  return Object.fromEntries(
    variables.filter(([name]) => !name.startsWith("PG")),
  );
}
