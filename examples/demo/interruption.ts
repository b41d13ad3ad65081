const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** Ctrl-C as a signal that aborts; a second one ends the process as usual. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #interrupt = () => {
    this[Symbol.dispose]();
    this.#controller.abort();
  };

  constructor() {
    for (const name of SIGNALS) Deno.addSignalListener(name, this.#interrupt);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) {
      Deno.removeSignalListener(name, this.#interrupt);
    }
  }
}
