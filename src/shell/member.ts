/**
 * A connection as a member of its pool.
 *
 * @module
 */

import type { CloseReason } from "../core/effect.ts";
import type { Fate } from "../core/input.ts";
import type { Slot } from "../core/slot.ts";
import type { Alarm } from "./alarms.ts";
import type { CallSite } from "../call_site.ts";
import { ConnectionBusyError, ConnectionLostError } from "../pool_errors.ts";
import type { HeldLease } from "./caller_context.ts";
import type { Connection } from "../driver/connection.ts";

const TRANSACTION_IS_OPEN =
  "a transaction is open on this connection; make a " +
  "savepoint in it, or take another connection";

/** Who holds a connection alone. */
export interface Holder {
  /** The connection died. */
  onLost(): void;
}

/** What a lease does to its connection when it ends. */
export interface LeaseKeeper {
  /** Ends it; resolves once the connection is put back, or gone. */
  end(member: Member, isDestroyed: boolean): Promise<void> | undefined;
  /** Why the lease is over although its own end has not come, if so. */
  fault?(action: string): Error | undefined;
  /** Is aborted once that is so. */
  signal?(): AbortSignal;
}

/** One connection of a pool: its slot, its holder, and what it needs. */
export class Member {
  readonly connection: Connection;
  readonly slot: Slot<Member>;
  /** Whether it was leased since it was last put back: hooks and resets are due. */
  wasLeased = false;
  /** Whether its lease has ended; what it left may still be under way. */
  isReleased = false;
  /** Whether a lease or its hook ran anything since it was last put back: the session may have been changed. */
  hasRun = false;
  /** When its lease began. */
  leasedAt = 0;
  /** Where its lease was acquired, when the pool records that. */
  acquiredAt: CallSite | undefined;
  /** Its lease, as those know it who are in its scope, if it was noted who they are. */
  held: HeldLease | undefined;
  /** Whether its lease was named as held for long. */
  isWarnedOf = false;
  /** One-shots that ended beside others, and the core was not told of yet. */
  ended = 0;
  /** Why the pool closes it, once it does. */
  closedFor: CloseReason | undefined;
  /** Ends the waiting for the hook that runs on it, if one does: its connection is closed or lost. */
  leaveHook: (() => void) | undefined;
  /** A hook has destroyed it. */
  isDestroyed = false;
  /** Whether a statement under way is awaited no more. */
  hasAbandoned = false;
  /** Cuts it when a cancel request does not help. */
  cancelAlarm: Alarm | undefined;
  /** Sends a cancel request again. */
  repeatAlarm: Alarm | undefined;
  /** What stands for the transaction of its lease. */
  #transaction: object | undefined;
  #holder: Holder | undefined;
  #looseHolder: WeakRef<Holder> | undefined;
  #onReturned: (() => void) | undefined;

  constructor(connection: Connection, slot: Slot<Member>) {
    this.connection = connection;
    this.slot = slot;
  }

  /** The lease that holds it, if one does. */
  get holder(): Holder | undefined {
    return this.#holder ?? this.#looseHolder?.deref();
  }

  set holder(holder: Holder | undefined) {
    this.#holder = holder;
    this.#looseHolder = undefined;
    if (holder === undefined) this.#transaction = undefined;
  }

  /** Whether its lease may be collected when nothing else refers to it. */
  get isHeldLoosely(): boolean {
    return this.#looseHolder !== undefined;
  }

  /** Lets its lease be collected when nothing else refers to it; answers the lease. */
  loosenHolder(): Holder | undefined {
    const holder = this.#holder;
    // Workers of an older compatibility date have no weak references.
    if (holder === undefined || typeof WeakRef === "undefined") {
      return undefined;
    }
    this.#looseHolder = new WeakRef(holder);
    this.#holder = undefined;
    return holder;
  }

  /** What the session needs before another may have it, whatever runs on it. */
  get sessionFate(): Fate {
    const { connection } = this;
    if (connection.isLost || connection.isDamaged || this.isDestroyed) {
      return "destroy";
    }
    const isClean = !connection.isCancelling &&
      connection.transactionStatus === "idle";
    return isClean ? "keep" : "reset";
  }

  /** The same, when nothing should be running on it any more. */
  get fate(): Fate {
    const fate = this.sessionFate;
    const { connection } = this;
    if (fate === "destroy" || connection.inFlight === 0) return fate;
    return connection.underWay.isAbandoned ? "reset" : "destroy";
  }

  /** Whether nothing is left on it that the next holder could meet. */
  get isClean(): boolean {
    return this.fate === "keep";
  }

  /** A lease of it begins. */
  beginLease(now: number): void {
    this.wasLeased = true;
    this.isReleased = false;
    this.isWarnedOf = false;
    this.acquiredAt = undefined;
    this.leasedAt = now;
  }

  /** Its lease has ended: nobody holds it any more. */
  endLease(): void {
    this.isReleased = true;
    this.#transaction = undefined;
    if (this.held !== undefined) this.held.hasEnded = true;
    this.held = undefined;
  }

  /**
   * Lets a transaction begin, whichever handle of the lease it is begun on. What
   * stands for it may not refer to the lease, which could not be collected then.
   *
   * @throws {ConnectionBusyError} While another is open: the server has one at
   * a time, so that the end of either would be that of both.
   */
  enterTransaction(transaction: object): void {
    const { transactionStatus, inFlight } = this.connection;
    const isOpen = inFlight === 0 && transactionStatus !== "idle";
    if (this.#transaction !== undefined || isOpen) {
      throw new ConnectionBusyError("begin", TRANSACTION_IS_OPEN);
    }
    this.#transaction = transaction;
  }

  /** It has ended; one of an earlier lease says nothing of this one's. */
  leaveTransaction(transaction: object): void {
    if (this.#transaction === transaction) this.#transaction = undefined;
  }

  /** What whoever uses it is told once it is gone. */
  lostError(): ConnectionLostError {
    const { loss } = this.connection;
    return new ConnectionLostError({ sent: false, phase: "idle", ...loss });
  }

  /** Resolves once the connection is put back, or gone. */
  returned(): Promise<void> {
    return new Promise((resolve) => this.#onReturned = resolve);
  }

  /** Tells who waits for it that the connection is put back, or gone. */
  settleReturn(): void {
    const onReturned = this.#onReturned;
    this.#onReturned = undefined;
    onReturned?.();
  }
}
