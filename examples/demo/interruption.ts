const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** A task runner passes on now and then what was pressed once, twice. */
const ECHO_MS = 500;

/** Ctrl-C as a signal that aborts; a later one ends the process as usual. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #echoMs: number;
  #echo: ReturnType<typeof setTimeout> | undefined;

  /** Within `echoMs` of the first, another one is that first one's echo. */
  constructor(echoMs: number = ECHO_MS) {
    this.#echoMs = echoMs;
    for (const name of SIGNALS) Deno.addSignalListener(name, this.#interrupt);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#echo);
    for (const name of SIGNALS) {
      Deno.removeSignalListener(name, this.#interrupt);
    }
  }

  readonly #interrupt = (): void => {
    if (this.signal.aborted) return;
    this.#echo = setTimeout(() => this[Symbol.dispose](), this.#echoMs);
    this.#controller.abort();
  };
}
