/**
 * Connections that run one-shots, by how many are in flight on each.
 *
 * @module
 */

import { IdleStack } from "./idle_stack.ts";
import type { Slot } from "./slot.ts";

// A statement is unusually long once it has run this much longer than is
// typical here, and no sooner than the floor: a busy event loop looks slow too.
const STALL_FACTOR = 4;
const STALL_FLOOR_MS = 1;

// The typical time moves by this share towards each sample, whatever its size:
// it settles on the median, which a few slow statements do not move.
const MEDIAN_STEP = 1.05;

/**
 * Places one-shots: on the connection with the fewest in flight, never behind
 * a statement that has been running unusually long.
 *
 * Placing costs O(depth), whatever the number of connections. A stalled
 * connection is set aside when it is met and listed again when it answers.
 */
export class SharedSlots<C> {
  readonly #byDepth: IdleStack<C>[];
  readonly #depth: number;
  #typicalMs = 1;

  constructor(depth: number) {
    this.#depth = depth;
    this.#byDepth = Array.from({ length: depth }, () => new IdleStack<C>());
  }

  /** The median time of a one-shot here, in milliseconds. */
  get typicalMs(): number {
    return this.#typicalMs;
  }

  /** The best connection for one more, or `undefined`: all are full or stalled. */
  best(now: number): Slot<C> | undefined {
    for (let depth = 1; depth < this.#depth; depth++) {
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

  /** Learns how long one-shots take, from `count` that finished on `slot`. */
  observe(slot: Slot<C>, count: number, now: number): void {
    const sample = (now - slot.headSince) / count;
    if (sample > this.#typicalMs) this.#typicalMs *= MEDIAN_STEP;
    else if (this.#typicalMs > 0.05) this.#typicalMs /= MEDIAN_STEP;
    slot.headSince = now;
  }

  /** All that are listed, those with the fewest in flight first. */
  *[Symbol.iterator](): Generator<Slot<C>> {
    for (const slots of this.#byDepth) yield* slots;
  }

  /** Whether its oldest one-shot has been running unusually long. */
  isStalled(slot: Slot<C>, now: number): boolean {
    return now - slot.headSince >
      STALL_FLOOR_MS + STALL_FACTOR * this.#typicalMs;
  }
}
