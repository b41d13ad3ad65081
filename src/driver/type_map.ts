/**
 * Who looks up the array types, and who waits for them.
 *
 * @module
 */

/**
 * The array types of one pool: looked up by the first connection, known to all.
 *
 * Until they are known no other connection is ready: it would hand out arrays
 * as text.
 */
export class TypeMap {
  #isKnown: boolean;
  #waiters: { resolve(): void; reject(error: unknown): void }[] | undefined;

  /** `isNeeded` is `false` where the user wants no array types. */
  constructor(isNeeded: boolean) {
    this.#isKnown = !isNeeded;
  }

  /** Whether the caller is to look the types up; if so, it must call `settle`. */
  claim(): boolean {
    if (this.#isKnown || this.#waiters !== undefined) return false;
    this.#waiters = [];
    return true;
  }

  /** Ends a claim: the types are known, or `error` says why they are not. */
  settle(error?: unknown): void {
    const waiters = this.#waiters ?? [];
    this.#waiters = undefined;
    this.#isKnown = error === undefined;
    for (const waiter of waiters) {
      if (error === undefined) waiter.resolve();
      else waiter.reject(error);
    }
  }

  /** Resolves once the types are known; rejects when the one who looks them up fails. */
  ready(): Promise<void> {
    const waiters = this.#waiters;
    if (waiters === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
  }
}
