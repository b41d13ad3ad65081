/**
 * How many connections are to be opened.
 *
 * @module
 */

import type { Backoff } from "./backoff.ts";
import type { PoolState } from "./pool_state.ts";
import type { SlotKeeper } from "./slot_keeper.ts";
import type { WaitingRoom } from "./waiting_room.ts";

/** Dials as many as are missing: for the pool, never for one waiter. */
export class Dialer<C> {
  readonly #state: PoolState<C>;
  readonly #slots: SlotKeeper<C>;
  readonly #waiters: WaitingRoom<C>;
  readonly #backoff: Backoff;
  #isHeldBack = false;

  constructor(
    state: PoolState<C>,
    slots: SlotKeeper<C>,
    waiters: WaitingRoom<C>,
    backoff: Backoff,
  ) {
    this.#state = state;
    this.#slots = slots;
    this.#waiters = waiters;
    this.#backoff = backoff;
  }

  /** When a dial that the backoff holds back is to begin. */
  get nextDeadline(): number {
    return this.#isHeldBack ? this.#backoff.retryAt : Infinity;
  }

  /** Begins what is missing, as far as the limits and the backoff allow; answers whether any. */
  openMore(now: number): boolean {
    const wanted = Math.min(this.#missing, this.#room);
    this.#isHeldBack = false;
    if (wanted <= 0) return false;
    const { connecting } = this.#slots.table.counts;
    const count = Math.min(wanted, this.#backoff.allowance(now, connecting));
    for (let left = count; left > 0; left--) this.#slots.dial(now);
    this.#isHeldBack = now < this.#backoff.retryAt;
    return count > 0;
  }

  /** Ends all dialling: the pool closes. */
  stop(): void {
    this.#isHeldBack = false;
  }

  /** For those who wait, and up to `min`; one for those who wait for a warm pool. */
  get #missing(): number {
    const { min, isPaused } = this.#state;
    const { queue, readiness } = this.#waiters;
    const { live, counts } = this.#slots.table;
    const floor = readiness.length > 0 ? Math.max(1, min) : min;
    const waiting = isPaused
      ? 0
      : queue.length - counts.connecting - counts.preparing;
    return Math.max(waiting, floor - live);
  }

  get #room(): number {
    return this.#state.max - this.#slots.table.total;
  }
}
