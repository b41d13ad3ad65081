/**
 * Shedding by how long the queue has been standing.
 *
 * @module
 */

/** When a queue counts as too slow. */
export interface OverloadLimits {
  /** A wait that is always exceeded means overload, in milliseconds. */
  readonly targetMs: number;
  /** For how long it must be exceeded, in milliseconds. */
  readonly intervalMs: number;
}

/**
 * CoDel, as db_connection does it for pools.
 *
 * A queue that is emptied now and then is only a burst, however long it is. So
 * what counts is the shortest wait within an interval: when even that is over
 * the target, the next interval is slow, and in a slow interval whoever waited
 * longer than twice the target is turned away. One short wait ends it.
 *
 * Waits are learnt from grants. When there are none, because the database
 * stands still, a poll in each interval takes the wait of the first in the
 * queue instead.
 */
export class Overload {
  readonly #limits: OverloadLimits;
  #isSlow = false;
  #shortestMs = 0;
  #nextAt = -Infinity;
  #pollAt = Infinity;
  #polled: unknown;

  constructor(limits: OverloadLimits) {
    this.#limits = limits;
  }

  /** When the queue is to be looked at although nothing was granted. */
  get nextPoll(): number {
    return this.#pollAt;
  }

  /** Whether one who has waited this long is turned away instead of served. */
  sheds(waitedMs: number, now: number): boolean {
    if (now >= this.#nextAt) {
      this.#turn(waitedMs, now);
      return false;
    }
    if (this.#isSlow && waitedMs > 2 * this.#limits.targetMs) return true;
    if (waitedMs < this.#shortestMs) this.#shortestMs = waitedMs;
    return false;
  }

  /** Somebody waits, `head` first: from now on the queue is polled. */
  watch(now: number, head: unknown): void {
    if (this.#pollAt !== Infinity) return;
    this.#pollAt = now + this.#limits.intervalMs;
    this.#polled = head;
  }

  /** Nobody waits: there is nothing to poll. */
  unwatch(): void {
    this.#pollAt = Infinity;
    this.#polled = undefined;
  }

  /** A connection is idle: who came now would wait the shortest time there is. */
  rest(now: number): void {
    if (now >= this.#nextAt) this.#turn(0, now);
    else this.#shortestMs = 0;
  }

  /**
   * Looks at a queue whose first has waited this long. Answers the longest wait
   * that is still borne, or `Infinity`.
   */
  poll(head: unknown, waitedMs: number, now: number): number {
    this.#pollAt = now + this.#limits.intervalMs;
    const stands = head === this.#polled;
    this.#polled = head;
    if (!stands) return Infinity;
    if (now >= this.#nextAt) this.#turn(waitedMs, now);
    return this.#isSlow ? 2 * this.#limits.targetMs : Infinity;
  }

  /** Begins an interval: the last one says whether this one is slow. */
  #turn(waitedMs: number, now: number): void {
    this.#isSlow = this.#shortestMs > this.#limits.targetMs;
    this.#shortestMs = waitedMs;
    this.#nextAt = now + this.#limits.intervalMs;
  }
}
