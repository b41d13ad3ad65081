/**
 * Who looks up the array types, and who waits for them.
 *
 * @module
 */

import { Latch } from "./latch.ts";

/** A session that may look them up, while it is there. */
interface Claimant {
  readonly isLost: boolean;
}

/**
 * The array types of one pool: looked up by the first connection, known to all.
 *
 * Until they are known no other connection is ready: it would hand out arrays
 * as text.
 */
export class TypeMap {
  #isKnown: boolean;
  #claimant: Claimant | undefined;
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
   * Resolves with whether a session is to look the types up: not once they are
   * known, nor when it is lost. While another does it, it waits. Whoever dials
   * the session must call `settle`.
   */
  async claim(session: Claimant): Promise<boolean> {
    while (!this.#isKnown && this.#claimant !== undefined) {
      await this.#settled.wait();
    }
    if (this.#isKnown || session.isLost) return false;
    this.#claimant = session;
    return true;
  }

  /** Ends the claim of a session, if it has one: the types are known now, or the next may look them up. */
  settle(session: Claimant, isKnown: boolean): void {
    if (this.#claimant !== session) return;
    this.#claimant = undefined;
    this.#isKnown = isKnown;
    this.#settled.open();
  }
}
