/**
 * Connections that run one-shots, by how many are in flight on each.
 *
 * @module
 */

import { IdleStack } from "./idle_stack.ts";
import { Pace } from "./pace.ts";
import type { Slot } from "./slot.ts";

/**
 * Places one-shots: on the connection with the fewest in flight, never behind
 * a statement that has been running unusually long, and the less deep the more
 * of the time goes into such statements.
 *
 * Placing costs O(depth), whatever the number of connections. A stalled
 * connection is set aside when it is met and listed again when it answers.
 */
export class SharedSlots<C> {
  readonly #byDepth: IdleStack<C>[];
  readonly #depth: number;
  readonly #pace = new Pace();

  constructor(depth: number) {
    this.#depth = depth;
    this.#byDepth = Array.from({ length: depth }, () => new IdleStack<C>());
  }

  /** How many may be in flight on one connection as things are. */
  get depth(): number {
    return Math.max(1, Math.round(this.#depth * this.#pace.depth));
  }

  /** The best connection for one more, or `undefined`: all are full or stalled. */
  best(now: number): Slot<C> | undefined {
    const most = this.depth;
    for (let depth = 1; depth < most; depth++) {
      const slots = this.#byDepth[depth]!;
      for (let slot = slots.top; slot !== undefined; slot = slots.top) {
        if (!this.isStalled(slot, now)) return slot;
        this.unlist(slot);
      }
    }
    return undefined;
  }

  /** Lists a slot under the number it has in flight, if it may take more. */
  list(slot: Slot<C>): void {
    this.unlist(slot);
    if (slot.isIsolated || slot.inFlight < 1 || slot.inFlight >= this.#depth) {
      return;
    }
    slot.depth = slot.inFlight;
    this.#byDepth[slot.depth]!.push(slot);
  }

  /** Takes a slot off the list, if it is there. */
  unlist(slot: Slot<C>): void {
    if (slot.depth < 0) return;
    this.#byDepth[slot.depth]!.remove(slot);
    slot.depth = -1;
  }

  /** A connection answered: learns how long that took. */
  observe(slot: Slot<C>, now: number): void {
    this.#pace.observe(now - slot.headSince);
    slot.headSince = now;
  }

  /** All that are listed, those with the fewest in flight first. */
  *[Symbol.iterator](): Generator<Slot<C>> {
    for (const slots of this.#byDepth) yield* slots;
  }

  /** Whether its oldest one-shot has been running unusually long. */
  isStalled(slot: Slot<C>, now: number): boolean {
    return now - slot.headSince > this.#pace.patienceMs;
  }
}
