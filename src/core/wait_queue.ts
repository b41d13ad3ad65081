/**
 * Who waits for a connection, in order of arrival.
 *
 * @module
 */

import type { Deadline } from "./deadlines.ts";

/**
 * What a waiter waits for: a connection of its own, a place on one, or the
 * pool to be warm.
 */
export type WaiterKind = "lease" | "share" | "ready";

/** Where a waiter is; it leaves `queued` once each time it has to wait. */
type WaiterState = "new" | "queued" | "granted" | "gone";

/** One pending acquire. The shell extends it with what is to be settled. */
export class Waiter {
  /** What it waits for. */
  readonly kind: WaiterKind;
  /** When it came. */
  readonly since: number;
  /** When it is turned away. */
  readonly deadline: number;
  /** Its place in the order of arrival; the waiting room gives it. */
  turn = 0;
  /** Where it is; only the machine changes it. */
  state: WaiterState = "new";
  /** Whether its deadline stands in the line of those that came in order. */
  isInLine = false;
  /** The links of that line. */
  sooner: Waiter | undefined;
  later: Waiter | undefined;
  /** Its deadline, if that came out of order. */
  alarm: Deadline<Waiter> | undefined;
  /** The queue's links. */
  before: Waiter | undefined;
  after: Waiter | undefined;

  constructor(kind: WaiterKind, since: number, deadline: number) {
    this.kind = kind;
    this.since = since;
    this.deadline = deadline;
  }
}

/** A first-in, first-out queue from whose middle a waiter leaves in O(1). */
export class WaitQueue {
  #head: Waiter | undefined;
  #tail: Waiter | undefined;
  #length = 0;

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** Who came first. */
  get head(): Waiter | undefined {
    return this.#head;
  }

  /** Adds a waiter at the end. */
  push(waiter: Waiter): void {
    waiter.before = this.#tail;
    waiter.after = undefined;
    if (this.#tail === undefined) this.#head = waiter;
    else this.#tail.after = waiter;
    this.#tail = waiter;
    this.#length++;
  }

  /**
   * Puts a waiter back where it stood: one that was granted and lost its
   * connection unused; one without a turn goes to the front. Costs O(those that
   * came before it and wait still).
   */
  putBack(waiter: Waiter): void {
    let next = this.#head;
    while (next !== undefined && next.turn < waiter.turn) next = next.after;
    if (next === undefined) return this.push(waiter);
    const { before } = next;
    waiter.before = before;
    waiter.after = next;
    next.before = waiter;
    if (before === undefined) this.#head = waiter;
    else before.after = waiter;
    this.#length++;
  }

  /** Takes a waiter out, wherever it stands. The waiter must be in this queue. */
  remove(waiter: Waiter): void {
    const { before, after } = waiter;
    if (before === undefined) this.#head = after;
    else before.after = after;
    if (after === undefined) this.#tail = before;
    else after.before = before;
    waiter.before = waiter.after = undefined;
    this.#length--;
  }

  /** How many of the first wait for a lease; it counts up to `most`. */
  countLeading(most: number): number {
    let count = 0;
    let at = this.#head;
    for (; count < most && at?.kind === "lease"; at = at.after) count++;
    return count;
  }

  /** All waiters, first come first. */
  *[Symbol.iterator](): Generator<Waiter> {
    for (let at = this.#head; at !== undefined; at = at.after) yield at;
  }
}
