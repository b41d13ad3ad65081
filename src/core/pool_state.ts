/**
 * What the parts of the core share.
 *
 * @module
 */

import type { Effect } from "./effect.ts";
import type { Limits } from "./limits.ts";

/** Whether the pool grants, waits for its last leases, or is done. */
type Phase = "open" | "draining" | "closed";

// Never pushed to.
const NONE: never[] = [];

/** The state of one pool beside its slots and waiters. */
export class PoolState<C> {
  /** The numbers the pool is held to; `max` and `min` below may be newer. */
  readonly limits: Limits;
  /** Most connections. */
  max: number;
  /** Kept open. */
  min: number;
  /** Whether the pool grants. */
  phase: Phase = "open";
  /** Whether `pause` holds grants back. */
  isPaused = false;
  /** Connections of an older generation are retired. */
  generation = 0;
  /** When the machine last woke up: what was silent before is to be validated. */
  leaptAt = -Infinity;
  /** When the next `tick` is due; `Infinity`: never. */
  nextDeadline = Infinity;
  #effects: Effect<C>[] = NONE;

  constructor(limits: Limits) {
    this.limits = limits;
    this.max = limits.max;
    this.min = limits.min;
  }

  /** Whether somebody's or something's time has passed. */
  isDue(now: number): boolean {
    return this.nextDeadline <= now;
  }

  /** Asks the shell for something, after what was asked before. */
  emit(effect: Effect<C>): void {
    // Mostly there is one; a list made by a push has room for many.
    if (this.#effects.length === 0) this.#effects = [effect];
    else this.#effects.push(effect);
  }

  /** Takes what was asked for since the last time. */
  takeEffects(): readonly Effect<C>[] {
    const effects = this.#effects;
    this.#effects = NONE;
    return effects;
  }
}
