/**
 * How many connections are to be opened, and what became of it.
 *
 * @module
 */

import type { Backoff } from "./backoff.ts";
import type { HookFault, Input } from "./input.ts";
import type { PoolState } from "./pool_state.ts";
import type { Slot } from "./slot.ts";
import type { SlotKeeper } from "./slot_keeper.ts";
import type { SlotPicker } from "./slot_picker.ts";
import type { WaitingRoom } from "./waiting_room.ts";

type DialFailure<C> = Extract<Input<C>, { kind: "dialFailed" }>;

/** Dials as many as are missing: for the pool, never for one waiter. */
export class Supply<C> {
  readonly #state: PoolState<C>;
  readonly #slots: SlotKeeper<C>;
  readonly #waiters: WaitingRoom<C>;
  readonly #picker: SlotPicker<C>;
  readonly #backoff: Backoff;

  constructor(
    state: PoolState<C>,
    slots: SlotKeeper<C>,
    waiters: WaitingRoom<C>,
    picker: SlotPicker<C>,
    backoff: Backoff,
  ) {
    this.#state = state;
    this.#slots = slots;
    this.#waiters = waiters;
    this.#picker = picker;
    this.#backoff = backoff;
  }

  /** Begins what is missing, as far as the limits and the backoff allow; answers whether any. */
  openMore(now: number): boolean {
    const wanted = Math.min(this.#missing, this.#room);
    if (wanted <= 0) return false;
    const count = Math.max(
      Math.min(wanted, this.#allowance(now)),
      Math.min(wanted, this.#shortage, this.#allowanceUnhooked),
    );
    for (let left = count; left > 0; left--) this.#slots.dial(now);
    return count > 0;
  }

  /** A dial opened a connection; answers whether the pool has one more. */
  land(slot: Slot<C>, connection: C, random: number, now: number): boolean {
    if (slot.state !== "connecting") {
      this.#discard(slot, connection, now);
      return false;
    }
    this.#backoff.succeed();
    this.#slots.open(slot, connection, random, now);
    return true;
  }

  /** A dial failed; answers whether it is over. */
  fail({ slot, error, isPermanent, random, now }: DialFailure<C>): boolean {
    const isAbandoned = slot.state === "closing" &&
      slot.connection === undefined;
    if (!isAbandoned) {
      if (slot.state !== "connecting") return false;
      if (!isPermanent && this.#slots.dialOn(slot, now)) return false;
      this.#backoff.fail(slot.dialledAt, now, random, error, isPermanent);
    }
    this.#slots.forget(slot);
    return true;
  }

  /** `onAcquire` threw: where it never ended well, that tells of the next, too. */
  relapse(slot: Slot<C>, { random, error }: HookFault, now: number): void {
    if (slot.isProven) return;
    this.#backoff.relapse(slot.dialledAt, now, random, error);
  }

  /** A connection is fit for a lease: the first time, others may be opened again. */
  confirm(slot: Slot<C>): void {
    if (!slot.isHooked || slot.isProven) return;
    slot.isProven = true;
    this.#backoff.confirm();
  }

  /** A dial that was given up opened a connection all the same. */
  #discard(slot: Slot<C>, connection: C, now: number): void {
    if (slot.connection !== undefined) return;
    slot.connection = connection;
    if (slot.state === "closing") this.#slots.retire(slot, "shutdown", now);
    else this.#state.emit({ kind: "destroy", slot });
  }

  /** For those who wait, and up to `min`. */
  get #missing(): number {
    const { queue } = this.#waiters;
    const { hooked, onTheirWay } = this.#slots.table;
    // With a hook they are prepared for leases; of those some may have gone.
    const awaited = onTheirWay - hooked + queue.countLeading(hooked);
    const waiting = this.#state.isPaused ? 0 : queue.length - awaited;
    return Math.max(waiting, this.#shortage);
  }

  /** What is missing up to `min`; one for those who wait for a warm pool. */
  get #shortage(): number {
    const { min } = this.#state;
    const isAwaited = this.#waiters.readiness.length > 0;
    return (isAwaited ? Math.max(1, min) : min) - this.#slots.table.live;
  }

  /** While hooks throw, one connection at a time is opened for leases, and tried. */
  #allowance(now: number): number {
    const { counts: { connecting }, hooked } = this.#slots.table;
    if (!this.#backoff.isRelapsed) {
      return this.#backoff.allowance(now, connecting);
    }
    const isForLease = this.#waiters.queue.head?.kind === "lease" &&
      this.#picker.passer(now) === undefined;
    return isForLease
      ? this.#backoff.allowance(now, connecting + hooked)
      : this.#allowanceUnhooked;
  }

  /** For whom no hook runs need not wait for one that throws. */
  get #allowanceUnhooked(): number {
    if (!this.#backoff.isRelapsed) return 0;
    return this.#backoff.allowanceAtOnce(this.#slots.table.counts.connecting);
  }

  get #room(): number {
    return this.#state.max - this.#slots.table.total;
  }
}
