/**
 * Those who wait for one thing to happen.
 *
 * @module
 */

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/** Lets all who wait go at once; whoever comes later waits for the next time. */
export class Latch {
  #waiting: Waiting[] = [];

  /** Resolves when it opens next. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** It happened. */
  open(): void {
    if (this.#waiting.length === 0) return;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** It will not happen. */
  fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
