const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** A task runner passes on now and then what was pressed once, twice. */
const ECHO_MS = 500;

/** Where signals come from. */
export type Signals = Pick<
  typeof Deno,
  "addSignalListener" | "removeSignalListener"
>;

/** Ctrl-C as a signal that aborts; a later one ends the process as usual. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #signals: Signals;
  readonly #echoMs: number;
  #echo: ReturnType<typeof setTimeout> | undefined;

  /** Within `echoMs` of the first, another one is that first one's echo. */
  constructor(signals: Signals = Deno, echoMs: number = ECHO_MS) {
    this.#signals = signals;
    this.#echoMs = echoMs;
    for (const name of SIGNALS) {
      signals.addSignalListener(name, this.#interrupt);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#echo);
    for (const name of SIGNALS) {
      this.#signals.removeSignalListener(name, this.#interrupt);
    }
  }

  readonly #interrupt = (): void => {
    if (this.signal.aborted) return;
    this.#echo = setTimeout(() => this[Symbol.dispose](), this.#echoMs);
    this.#controller.abort();
  };
}
