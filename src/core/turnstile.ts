/**
 * Who is served next, and who has stood in the queue for too long.
 *
 * @module
 */

import { Overload } from "./overload.ts";
import type { PoolState } from "./pool_state.ts";
import type { Slot } from "./slot.ts";
import type { SlotKeeper } from "./slot_keeper.ts";
import type { SlotPicker } from "./slot_picker.ts";
import type { Waiter, WaiterKind } from "./wait_queue.ts";
import type { WaitingRoom } from "./waiting_room.ts";

/**
 * Takes waiters from the queue, first come first, to connections.
 *
 * Its short cuts (`takeReady()`, `keep()`, `finish()`, `passOn()`) do what an
 * `acquire`, a `release` or a `finished` would do, where no deadline has passed
 * and there is little to decide. Where that input must be fed instead, they say
 * so and change nothing.
 */
export class Turnstile<C> {
  readonly #state: PoolState<C>;
  readonly #slots: SlotKeeper<C>;
  readonly #waiters: WaitingRoom<C>;
  readonly #picker: SlotPicker<C>;
  readonly #overload: Overload | undefined;

  constructor(
    state: PoolState<C>,
    slots: SlotKeeper<C>,
    waiters: WaitingRoom<C>,
    picker: SlotPicker<C>,
  ) {
    this.#state = state;
    this.#slots = slots;
    this.#waiters = waiters;
    this.#picker = picker;
    const { overload } = state.limits;
    if (overload !== undefined) this.#overload = new Overload(overload);
  }

  /** When the queue is to be looked at although nothing happens. */
  get nextDeadline(): number {
    const isWatched = this.#waiters.queue.length > 0;
    return isWatched ? this.#overload?.nextPoll ?? Infinity : Infinity;
  }

  /** Serves the queue as far as there are connections. */
  serve(now: number): void {
    // Who stands before a closed door is not slow: the watch begins anew.
    if (this.#state.isPaused) return this.#overload?.unwatch();
    const { queue } = this.#waiters;
    for (let head = queue.head; head !== undefined; head = queue.head) {
      const slot = this.#picker.pick(head.kind, now);
      if (slot === undefined) break;
      this.#serveOne(head, slot, now);
    }
    if (this.#state.limits.hasAcquireHook) this.#letPass(now);
    if (this.#overload === undefined) return;
    // Who has a connection on its way waits for that, and in no queue.
    const { onTheirWay } = this.#slots.table;
    if (queue.length > onTheirWay) return this.#overload.watch(now, queue.head);
    this.#overload.unwatch();
    if (this.#slots.idle.size > 0) this.#overload.rest(now);
  }

  #letPass(now: number): void {
    const picker = this.#picker;
    for (;;) {
      const next = picker.passer(now);
      const slot = next && picker.pickToPass(now);
      if (slot === undefined) return;
      this.#serveOne(next!, slot, now);
    }
  }

  #serveOne(waiter: Waiter, slot: Slot<C>, now: number): void {
    if (this.#overload?.sheds(now - waiter.since, now)) this.#shed(waiter);
    else this.#grant(waiter, slot, now);
  }

  /** Takes a connection that a newcomer may have at once; `undefined`: feed `acquire`. */
  takeReady(kind: WaiterKind, now: number): Slot<C> | undefined {
    // A pool that closes has none that is idle: its phase need not be asked.
    const isOpen = this.#overload === undefined && !this.#state.isPaused &&
      this.#waiters.queue.length === 0 && kind !== "ready" &&
      !this.#state.isDue(now);
    if (!isOpen) return undefined;
    const slot = this.#picker.pickReady(kind, now);
    if (slot !== undefined) this.#occupy(kind, slot, now);
    return slot;
  }

  /** Makes a leased connection idle that is to be kept; `false`: feed `release`. */
  keep(slot: Slot<C>, now: number): boolean {
    if (slot.state !== "leased" || !this.#isKept(slot, now)) return false;
    this.#slots.takeBack(slot, "keep", now);
    this.#remindToReap();
    return true;
  }

  /** Ends one-shots on a connection that is to be kept; `false`: feed `finished`. */
  finish(slot: Slot<C>, count: number, now: number): boolean {
    if (slot.state !== "shared" || !this.#isKept(slot, now)) return false;
    if (slot.isIsolated) return false;
    this.#slots.finish(slot, count, "keep", now);
    this.#remindToReap();
    return true;
  }

  /**
   * Lends a leased connection that is to be kept to who waits longest, where what
   * comes back can only go to him, and nobody behind him can be served for that;
   * `undefined`: feed `release`.
   */
  passOn(slot: Slot<C>, now: number): Waiter | undefined {
    const { head } = this.#waiters.queue;
    // Mostly nobody waits: then it is not to be found out twice what it may do.
    if (head?.kind !== "lease" || slot.state !== "leased") return undefined;
    if (head.after?.kind === "share") return undefined;
    const { limits, isPaused } = this.#state;
    const isPlain = this.#overload === undefined && !isPaused &&
      !limits.hasAcquireHook;
    if (!isPlain || !this.#isWanted(slot, now)) return undefined;
    this.#waiters.dismiss(head, "granted");
    this.#slots.relet(slot, now);
    return head;
  }

  #isKept(slot: Slot<C>, now: number): boolean {
    return this.#overload === undefined && this.#waiters.isEmpty &&
      this.#isWanted(slot, now);
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

  /** Gives who cannot wait what is idle now; answers whether there was something. */
  grantAtOnce(waiter: Waiter, now: number): boolean {
    const slot = this.#picker.pickAtOnce(waiter.kind);
    if (slot === undefined) return false;
    this.#grant(waiter, slot, now);
    return true;
  }

  /** Turns away who stood for too long in a queue that does not move. */
  expire(now: number): void {
    if (this.#waiters.queue.length === 0) return;
    if (this.#overload === undefined || this.#overload.nextPoll > now) return;
    const { queue } = this.#waiters;
    const borneMs = this.#overload.poll(
      queue.head,
      now - queue.head!.since,
      now,
    );
    for (let head = queue.head; head !== undefined; head = queue.head) {
      if (now - head.since <= borneMs) return;
      this.#shed(head);
    }
  }

  #shed(waiter: Waiter): void {
    this.#waiters.refuse(waiter, "overloaded", undefined);
  }

  #grant(waiter: Waiter, slot: Slot<C>, now: number): void {
    this.#occupy(waiter.kind, slot, now);
    this.#waiters.grant(waiter, slot);
  }

  #occupy(kind: WaiterKind, slot: Slot<C>, now: number): void {
    if (kind === "lease") this.#slots.lease(slot);
    else this.#slots.share(slot, now);
  }
}
