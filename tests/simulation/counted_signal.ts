/**
 * A signal that knows how many listen to it.
 *
 * @module
 */

/** A controller whose signal counts its listeners. */
export class CountedSignal {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();

  constructor() {
    const { signal } = this.#controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => {
        this.#listeners.add(args[1]);
        add(...args);
      },
      removeEventListener: (...args: Parameters<typeof remove>) => {
        this.#listeners.delete(args[1]);
        remove(...args);
      },
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  abort(): void {
    this.#controller.abort(new Error("Aborted"));
  }
}
