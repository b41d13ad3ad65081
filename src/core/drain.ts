/**
 * The end of a pool.
 *
 * @module
 */

import type { PoolState } from "./pool_state.ts";
import type { Slot } from "./slot.ts";
import type { SlotKeeper } from "./slot_keeper.ts";

/**
 * Empties a pool that closes: what is unused goes at once, leases are waited
 * for, then asked to end, then cut.
 */
export class Drain<C> {
  readonly #state: PoolState<C>;
  readonly #slots: SlotKeeper<C>;
  #forceAt = Infinity;
  #endAt = Infinity;
  #forcedMs = 0;

  constructor(state: PoolState<C>, slots: SlotKeeper<C>) {
    this.#state = state;
    this.#slots = slots;
  }

  /** When it is to go on by itself. */
  get nextDeadline(): number {
    return Math.min(this.#forceAt, this.#endAt);
  }

  /** Begins; a second time it can only get shorter. */
  begin(forceAt: number, endAt: number): void {
    this.#state.phase = "draining";
    this.#forceAt = Math.min(this.#forceAt, forceAt);
    this.#endAt = Math.min(this.#endAt, endAt);
    this.#forcedMs = Math.max(0, this.#endAt - this.#forceAt);
  }

  /** Ends what is unused, and later everything. */
  proceed(now: number): void {
    if (this.#state.phase === "closed") return;
    const { table } = this.#slots;
    const isForced = this.#forceAt <= now;
    if (isForced) this.#force(now);
    for (const slot of [...table]) this.#end(slot, isForced, now);
    if (table.total > 0) return;
    this.#state.phase = "closed";
    this.#forceAt = this.#endAt = Infinity;
    this.#state.emit({ kind: "drained" });
  }

  /** Late where the event loop stood still: cancelling takes its time all the same. */
  #force(now: number): void {
    this.#forceAt = Infinity;
    this.#endAt = Math.max(this.#endAt, now + this.#forcedMs);
  }

  #end(slot: Slot<C>, isForced: boolean, now: number): void {
    const { state } = slot;
    if (state === "connecting") this.#slots.abandon(slot, now);
    else if (state === "idle" || isForced && state !== "closing") {
      this.#slots.retire(slot, "shutdown", now);
    }
    if (this.#endAt <= now) this.#slots.cut(slot);
  }
}
