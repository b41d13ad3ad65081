/**
 * The pool's record of one connection.
 *
 * @module
 */

import type { Deadline } from "./deadlines.ts";

/**
 * Where a connection is in its life.
 *
 * `connecting` → `idle` ⇄ `preparing` → `leased` → `releasing` → `idle`, and
 * `idle` ⇄ `shared`; from each of them → `closing` → `closed`.
 */
export type SlotState =
  | "connecting"
  | "idle"
  | "preparing"
  | "leased"
  | "shared"
  | "releasing"
  | "closing"
  | "closed";

/** The record of one connection, from the decision to open it until it is closed. */
export class Slot<C> {
  /** Unique in its pool. */
  readonly id: number;
  /** The pool's generation when the dial began. */
  readonly generation: number;
  /** When the current dial began. */
  dialledAt: number;
  /** Which attempt of the dial is under way: which host. */
  attempt = 0;
  /** Only the slot table changes it. */
  state: SlotState = "connecting";
  /** What the driver opened; absent while connecting. */
  connection: C | undefined;
  /** Never granted from here on. */
  expiresAt = Infinity;
  /** Since when it is idle; counts towards the idle timeout. */
  idleSince = 0;
  /** When the server last answered; counts towards validation. */
  heardAt = 0;
  /** Leases so far. */
  uses = 0;
  /** `onAcquire` has ended well on it. */
  isProven = false;
  /** One-shots under way. */
  inFlight = 0;
  /** Since when its oldest one-shot is being run. */
  headSince = 0;
  /** Takes no further one-shot until it was drained. */
  isIsolated = false;
  /** Was validated and prepared for the next grant. */
  isPrepared = false;
  /** A preparation waits for the server to answer. */
  isPinged = false;
  /** The last preparation ran `onAcquire`. */
  isHooked = false;
  /** The deadline of what is under way: dial, preparation, release or close. */
  alarm: Deadline<Slot<C>> | undefined;
  /** The end of its lifetime. */
  expiry: Deadline<Slot<C>> | undefined;
  /** The links of the one list it is in: idle, or shared at its depth. */
  before: Slot<C> | undefined;
  after: Slot<C> | undefined;
  /** At which depth it is listed for sharing; -1: not. */
  depth = -1;

  constructor(id: number, generation: number, now: number) {
    this.id = id;
    this.generation = generation;
    this.dialledAt = now;
  }

  /** Whether `onAcquire` runs on it. */
  get isInHook(): boolean {
    return this.state === "preparing" && this.isHooked && !this.isPinged;
  }
}
