/**
 * All slots of a pool, and how many are in each state.
 *
 * @module
 */

import { Slot, type SlotState } from "./slot.ts";

/** How many slots are in each state. */
export type SlotCounts = Record<Exclude<SlotState, "closed">, number>;

/** The slots; the only place where a slot changes its state. */
export class SlotTable<C> {
  readonly #slots = new Set<Slot<C>>();
  readonly #counts: SlotCounts = {
    connecting: 0,
    idle: 0,
    preparing: 0,
    leased: 0,
    shared: 0,
    releasing: 0,
    closing: 0,
  };
  #lastId = 0;
  // Asking the set for its size costs more than all else that is asked of it.
  #total = 0;
  #hooked = 0;

  /** How many in each state. */
  get counts(): Readonly<SlotCounts> {
    return this.#counts;
  }

  /** All, closing ones too. */
  get total(): number {
    return this.#total;
  }

  /** How many are being dialled or prepared: those who wait may be granted them. */
  get onTheirWay(): number {
    return this.#counts.connecting + this.#counts.preparing;
  }

  /** How many of those that are being prepared are so for a lease, with its hook. */
  get hooked(): number {
    return this.#hooked;
  }

  /** All that are open or will be. */
  get live(): number {
    return this.#total - this.#counts.closing;
  }

  /** All that are open. */
  get open(): number {
    return this.live - this.#counts.connecting;
  }

  /** Makes a slot that is connecting. */
  create(generation: number, now: number): Slot<C> {
    const slot = new Slot<C>(++this.#lastId, generation, now);
    this.#slots.add(slot);
    this.#total++;
    this.#counts.connecting++;
    return slot;
  }

  /** Moves a slot to another state; `closed` takes it out. */
  move(slot: Slot<C>, state: SlotState): void {
    if (slot.isHooked) this.#countHook(slot.state, state);
    this.#count(slot.state, -1);
    slot.state = state;
    this.#count(state, 1);
    if (state === "closed" && this.#slots.delete(slot)) this.#total--;
  }

  #countHook(from: SlotState, to: SlotState): void {
    if (from === "preparing") this.#hooked--;
    if (to === "preparing") this.#hooked++;
  }

  // Each lease moves a slot twice: a count that is looked up by name would cost
  // more than all else that is done for it here.
  #count(state: SlotState, by: number): void {
    const counts = this.#counts;
    if (state === "idle") counts.idle += by;
    else if (state === "leased") counts.leased += by;
    else if (state === "shared") counts.shared += by;
    else if (state !== "closed") counts[state] += by;
  }

  /** All slots, in the order they were made. */
  [Symbol.iterator](): IterableIterator<Slot<C>> {
    return this.#slots.values();
  }
}
