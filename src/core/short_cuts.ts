/**
 * What can be done without an input, because nothing is to be decided.
 *
 * @module
 */

import type { PoolState } from "./pool_state.ts";
import type { Slot } from "./slot.ts";
import type { SlotKeeper } from "./slot_keeper.ts";
import type { Turnstile } from "./turnstile.ts";
import type { Waiter, WaiterKind } from "./wait_queue.ts";

/**
 * Does what an `acquire`, a `release` or a `finished` would do, where no deadline
 * has passed, and nobody waits or only leases are waited for. Where that input
 * must be fed instead, it says so and changes nothing.
 */
export class ShortCuts<C> {
  readonly #state: PoolState<C>;
  readonly #slots: SlotKeeper<C>;
  readonly #turnstile: Turnstile<C>;

  constructor(
    state: PoolState<C>,
    slots: SlotKeeper<C>,
    turnstile: Turnstile<C>,
  ) {
    this.#state = state;
    this.#slots = slots;
    this.#turnstile = turnstile;
  }

  /** Takes a connection that a newcomer may have at once; `undefined`: feed `acquire`. */
  takeReady(kind: WaiterKind, now: number): Slot<C> | undefined {
    // A pool that closes has none that is idle: its phase need not be asked.
    if (this.#state.isDue(now)) return undefined;
    return this.#turnstile.takeReady(kind, now);
  }

  /** Makes a leased connection idle that is to be kept; `false`: feed `release`. */
  keep(slot: Slot<C>, now: number): boolean {
    if (slot.state !== "leased" || !this.#isKept(slot, now)) return false;
    this.#slots.takeBack(slot, "keep", now);
    this.#remindToReap();
    return true;
  }

  /** Lends a leased connection that is to be kept to who waits longest; `undefined`: feed `release`. */
  passOn(slot: Slot<C>, now: number): Waiter | undefined {
    // Mostly nobody waits: then it is not to be found out twice what it may do.
    if (this.#turnstile.isClear || slot.state !== "leased") return undefined;
    if (!this.#isWanted(slot, now)) return undefined;
    const waiter = this.#turnstile.takeNextLease();
    if (waiter !== undefined) this.#slots.relet(slot, now);
    return waiter;
  }

  /** Ends one-shots on a connection that is to be kept; `false`: feed `finished`. */
  finish(slot: Slot<C>, count: number, now: number): boolean {
    if (slot.state !== "shared" || !this.#isKept(slot, now)) return false;
    if (slot.isIsolated) return false;
    this.#slots.finish(slot, count, "keep", now);
    this.#remindToReap();
    return true;
  }

  #isKept(slot: Slot<C>, now: number): boolean {
    return this.#turnstile.isClear && this.#isWanted(slot, now);
  }

  #isWanted(slot: Slot<C>, now: number): boolean {
    return !this.#state.isDue(now) &&
      this.#slots.retirement(slot, now) === undefined;
  }

  /** Only what has just become idle can be due sooner than all else. */
  #remindToReap(): void {
    const { reapAt } = this.#slots;
    if (reapAt < this.#state.nextDeadline) this.#state.nextDeadline = reapAt;
  }
}
