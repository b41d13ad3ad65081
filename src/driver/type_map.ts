/**
 * Who looks up the array types, and who waits for them.
 *
 * @module
 */

import { Latch } from "./latch.ts";

/**
 * The array types of one pool: looked up by the first connection, known to all.
 *
 * Until they are known no other connection is ready: it would hand out arrays
 * as text.
 */
export class TypeMap {
  #isKnown: boolean;
  #isClaimed = false;
  readonly #settled = new Latch();

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
    while (!this.#isKnown && this.#isClaimed) await this.#settled.wait();
    if (this.#isKnown) return false;
    return this.#isClaimed = true;
  }

  /** Ends a claim: the types are known now, or the next may look them up. */
  settle(isKnown: boolean): void {
    this.#isClaimed = false;
    this.#isKnown ||= isKnown;
    this.#settled.open();
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
