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
  /** Who waits for the end of a claim; `undefined`: there is none. */
  #waiters: (() => void)[] | undefined;

  /** `isNeeded` is `false` where the user wants no array types. */
  constructor(isNeeded: boolean) {
    this.#isKnown = !isNeeded;
  }

  /** Whether they need not be looked up any more. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /**
   * Resolves with whether the caller is to look the types up, and then he must
   * call `settle`; `false` once they are known. While another does it, it waits.
   */
  async claim(): Promise<boolean> {
    while (!this.#isKnown) {
      if (this.#waiters === undefined) {
        this.#waiters = [];
        return true;
      }
      const waiters = this.#waiters;
      await new Promise<void>((resolve) => waiters.push(resolve));
    }
    return false;
  }

  /** Ends a claim: the types are known now, or the next may look them up. */
  settle(isKnown: boolean): void {
    const waiters = this.#waiters ?? [];
    this.#waiters = undefined;
    this.#isKnown ||= isKnown;
    for (const resolve of waiters) resolve();
  }
}

/** One dial's part in that: it ends with the dial, whatever came of it. */
export class LookUp {
  readonly #types: TypeMap;
  #hasClaim = false;
  #isOver = false;

  constructor(types: TypeMap) {
    this.#types = types;
  }

  /** As that of the map; never `true` once the dial is over. */
  async claim(): Promise<boolean> {
    if (!await this.#types.claim()) return false;
    this.#hasClaim = true;
    if (this.#isOver) this.#settle(false);
    return this.#hasClaim;
  }

  /** The session has begun: if it was to look the types up, it has. */
  succeed(): void {
    this.#settle(true);
  }

  /** The dial is over. */
  end(): void {
    this.#isOver = true;
    this.#settle(false);
  }

  #settle(isKnown: boolean): void {
    if (this.#hasClaim) this.#types.settle(isKnown);
    this.#hasClaim = false;
  }
}
