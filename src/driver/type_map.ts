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
  #waiters: ((isKnown: boolean) => void)[] | undefined;

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

  /** Ends a claim, the first time: the types are known now, or anybody may claim them. */
  settle(isKnown: boolean): void {
    const waiters = this.#waiters;
    if (waiters === undefined) return;
    this.#waiters = undefined;
    this.#isKnown = isKnown;
    for (const resolve of waiters) resolve(isKnown);
  }

  /** Resolves once nobody looks the types up any more, with whether they are known. */
  ready(): Promise<boolean> {
    const waiters = this.#waiters;
    if (waiters === undefined) return Promise.resolve(this.#isKnown);
    return new Promise((resolve) => waiters.push(resolve));
  }
}
