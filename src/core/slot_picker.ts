/**
 * Which connection the next waiter gets.
 *
 * @module
 */

import type { Backoff } from "./backoff.ts";
import type { PoolState } from "./pool_state.ts";
import type { Slot } from "./slot.ts";
import type { SlotKeeper } from "./slot_keeper.ts";
import type { WaitingRoom } from "./waiting_room.ts";
import type { Waiter, WaiterKind } from "./wait_queue.ts";

// How many leases are looked past for a one-shot that may pass them.
const MOST_PASSED = 1_000;

/**
 * Picks a connection for whoever heads the queue: the idle one used last, so
 * that the rest can be reaped. What is idle may be granted: whatever is past
 * its time was retired before.
 */
export class SlotPicker<C> {
  readonly #state: PoolState<C>;
  readonly #slots: SlotKeeper<C>;
  readonly #waiters: WaitingRoom<C>;
  readonly #backoff: Backoff;

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

  /** The first one-shot behind leases that wait for a hook and for nothing else: it needs none. */
  passer(now: number): Waiter | undefined {
    let at = this.#waiters.queue.head;
    if (at?.kind === "share") return undefined;
    let left = this.#areHooksTried(now)
      ? MOST_PASSED
      : this.#slots.table.hooked;
    for (; left > 0 && at?.kind === "lease"; left--) at = at.after;
    return at?.kind === "share" ? at : undefined;
  }

  /** Whether hooks throw, and one is tried, or none may be yet. */
  #areHooksTried(now: number): boolean {
    if (!this.#backoff.isRelapsed) return false;
    return this.#slots.table.hooked > 0 || now < this.#backoff.retryAt;
  }

  /** A connection for who passes: one on which a hook ended well is to come free for a lease. */
  pickToPass(now: number): Slot<C> | undefined {
    const slot = this.pick("share", now);
    const isAwaited = slot?.isProven === true && this.#backoff.isRelapsed;
    return isAwaited ? undefined : slot;
  }

  /** A connection for such a waiter, if one may be granted now; else begins to prepare one. */
  pick(kind: WaiterKind, now: number): Slot<C> | undefined {
    return kind === "lease"
      ? this.#readySlot(this.#state.limits.hasAcquireHook, now)
      : this.#slotToShare(now);
  }

  /** An idle connection that may be granted as it is. */
  pickReady(kind: WaiterKind, now: number): Slot<C> | undefined {
    const slot = this.#slots.idle.top;
    if (slot === undefined || this.#isSilent(slot, now)) return undefined;
    const hook = this.#state.limits.hasAcquireHook && kind === "lease";
    return hook ? undefined : slot;
  }

  /**
   * A connection that is idle now. A hook would have to be waited for, so there
   * is none; a validation is left out: who cannot wait takes it as it is.
   */
  pickAtOnce(kind: WaiterKind): Slot<C> | undefined {
    const { isPaused, limits } = this.#state;
    if (isPaused || this.#waiters.queue.length > 0) return undefined;
    if (limits.hasAcquireHook && kind === "lease") return undefined;
    return this.#slots.idle.top;
  }

  /**
   * Idle first, one more next, and only then a place beside others: not while a
   * dial is under way for each who waits, or the first to land would get them all.
   */
  #slotToShare(now: number): Slot<C> | undefined {
    const slot = this.#readySlot(false, now);
    if (slot !== undefined) return slot;
    const { table, shared } = this.#slots;
    const { connecting, preparing } = table.counts;
    const hasOneEach = table.total < this.#state.max ||
      this.#waiters.queue.length <= connecting;
    const isOnItsWay = preparing > table.hooked ||
      hasOneEach && this.#backoff.failures === 0;
    return isOnItsWay ? undefined : shared.best(now);
  }

  /** An idle connection that may be granted; starts what must be prepared first. */
  #readySlot(hook: boolean, now: number): Slot<C> | undefined {
    for (;;) {
      const slot = hook ? this.#topToHook(now) : this.#slots.idle.top;
      if (slot === undefined) return undefined;
      if (slot.isPrepared && slot.isHooked) return hook ? slot : undefined;
      const ping = this.#isSilent(slot, now);
      if (!ping && !hook) return slot;
      if (this.#hasOneEach(hook)) return undefined;
      this.#slots.prepare(slot, ping, hook, now);
    }
  }

  /** Whether as many are being prepared as wait for such. */
  #hasOneEach(hook: boolean): boolean {
    const { counts, hooked } = this.#slots.table;
    const { queue } = this.#waiters;
    return hook
      ? queue.countLeading(hooked + 1) <= hooked
      : queue.length <= counts.preparing - hooked;
  }

  /**
   * While hooks throw, one at a time is tried, when the backoff lets it, where
   * none has ended well before.
   */
  #topToHook(now: number): Slot<C> | undefined {
    const { idle } = this.#slots;
    const { top } = idle;
    if (!this.#backoff.isRelapsed || top === undefined) return top;
    const isReady = top.isPrepared && top.isHooked;
    if (isReady || top.isProven) return top;
    if (!this.#areHooksTried(now)) return top;
    return [...idle].find(({ isProven }) => isProven);
  }

  #isSilent(slot: Slot<C>, now: number): boolean {
    const { leaptAt, limits } = this.#state;
    return slot.heardAt < leaptAt ||
      now - slot.heardAt > limits.validateAfterIdleMs;
  }
}
