/**
 * When those who wait are turned away.
 *
 * @module
 */

import { Deadlines } from "./deadlines.ts";
import type { Waiter } from "./wait_queue.ts";

/**
 * The deadlines of waiters, earliest first.
 *
 * Those that come in order, as those of equal timeouts do, stand in a line
 * whose links are in the waiters: a waiter enters and leaves it in O(1), however
 * many there are. Only the others cost O(log n).
 */
export class WaiterDeadlines {
  readonly #others = new Deadlines<Waiter>();
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  #lineLength = 0;

  /** How many are to come. */
  get size(): number {
    return this.#lineLength + this.#others.size;
  }

  /** The earliest to come, or `Infinity`. */
  get next(): number {
    return Math.min(this.#firstAt, this.#others.next);
  }

  /** Watches the time of a waiter; one without a deadline is never due. */
  add(waiter: Waiter): void {
    const { deadline } = waiter;
    if (deadline === Infinity) return;
    const isInOrder = this.#last === undefined ||
      this.#last.deadline <= deadline;
    if (isInOrder) this.#join(waiter);
    else waiter.alarm = this.#others.add(deadline, waiter);
  }

  /** Forgets the time of a waiter; any number of times. */
  drop(waiter: Waiter): void {
    if (waiter.isInLine) this.#leave(waiter);
    this.#others.drop(waiter.alarm);
    waiter.alarm = undefined;
  }

  /** Takes the waiter whose time was up first, if any is at `now`. */
  takeDue(now: number): Waiter | undefined {
    const isOther = this.#others.next < this.#firstAt;
    const waiter = isOther ? this.#others.takeDue(now) : this.#first;
    if (waiter === undefined || waiter.deadline > now) return undefined;
    this.drop(waiter);
    return waiter;
  }

  get #firstAt(): number {
    return this.#first === undefined ? Infinity : this.#first.deadline;
  }

  #join(waiter: Waiter): void {
    waiter.isInLine = true;
    waiter.sooner = this.#last;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.later = waiter;
    this.#last = waiter;
    this.#lineLength++;
  }

  #leave(waiter: Waiter): void {
    const { sooner, later } = waiter;
    if (sooner === undefined) this.#first = later;
    else sooner.later = later;
    if (later === undefined) this.#last = sooner;
    else later.sooner = sooner;
    waiter.sooner = waiter.later = undefined;
    waiter.isInLine = false;
    this.#lineLength--;
  }
}
