/**
 * Slots in a list that knows both of its ends.
 *
 * @module
 */

import type { Slot } from "./slot.ts";

/**
 * A stack of slots: last in, first out, so that the rest can grow old and be
 * reaped; the one idle longest is at the bottom. A slot leaves from the middle
 * in O(1), and is in one list at a time.
 */
export class IdleStack<C> {
  #top: Slot<C> | undefined;
  #bottom: Slot<C> | undefined;
  #size = 0;

  /** How many. */
  get size(): number {
    return this.#size;
  }

  /** The last in. */
  get top(): Slot<C> | undefined {
    return this.#top;
  }

  /** The first in: idle the longest. */
  get bottom(): Slot<C> | undefined {
    return this.#bottom;
  }

  /** Adds a slot on top. */
  push(slot: Slot<C>): void {
    slot.before = this.#top;
    slot.after = undefined;
    if (this.#top === undefined) this.#bottom = slot;
    else this.#top.after = slot;
    this.#top = slot;
    this.#size++;
  }

  /** Takes a slot out. The slot must be in this stack. */
  remove(slot: Slot<C>): void {
    const { before, after } = slot;
    if (before === undefined) this.#bottom = after;
    else before.after = after;
    if (after === undefined) this.#top = before;
    else after.before = before;
    slot.before = slot.after = undefined;
    this.#size--;
  }

  /** All slots, the one idle longest first. */
  *[Symbol.iterator](): Generator<Slot<C>> {
    for (let at = this.#bottom; at !== undefined; at = at.after) yield at;
  }
}
