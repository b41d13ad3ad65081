/**
 * The life of a slot: each of its transitions, once.
 *
 * @module
 */

import type { CloseReason } from "./effect.ts";
import { Deadlines } from "./deadlines.ts";
import { IdleStack } from "./idle_stack.ts";
import type { Fate } from "./input.ts";
import type { PoolState } from "./pool_state.ts";
import { SharedSlots } from "./shared_slots.ts";
import type { Slot } from "./slot.ts";
import { SlotTable } from "./slot_table.ts";

// Jitter only shortens a lifetime: the limit is a promise.
const LIFETIME_JITTER = 0.1;

/** Moves slots through their states. */
export class SlotKeeper<C> {
  /** All slots. */
  readonly table = new SlotTable<C>();
  /** Those that are open and unused. */
  readonly idle = new IdleStack<C>();
  /** Those that run one-shots and may take more. */
  readonly shared: SharedSlots<C>;
  /** What they have to have done in time. */
  readonly deadlines = new Deadlines<Slot<C>>();
  readonly #state: PoolState<C>;

  constructor(state: PoolState<C>) {
    this.#state = state;
    this.shared = new SharedSlots(state.limits.pipeline);
  }

  /** When something of theirs is due next. */
  get nextDeadline(): number {
    return Math.min(this.deadlines.next, this.reapAt);
  }

  /** When the connection idle longest is to be reaped; never below `min`. */
  get reapAt(): number {
    const { bottom } = this.idle;
    if (bottom === undefined || this.table.open <= this.#state.min) {
      return Infinity;
    }
    return bottom.idleSince + this.#state.limits.idleTimeoutMs;
  }

  /** Begins a dial. */
  dial(now: number): void {
    this.#attempt(this.table.create(this.#state.generation, now), now);
  }

  /** Goes on to the next address of a dial, if there is one. */
  dialOn(slot: Slot<C>, now: number): boolean {
    if (slot.attempt + 1 >= this.#state.limits.dialAttempts) return false;
    slot.attempt++;
    this.#attempt(slot, now);
    return true;
  }

  #attempt(slot: Slot<C>, now: number): void {
    this.#setAlarm(slot, now + this.#state.limits.connectTimeoutMs);
    this.#state.emit({ kind: "dial", slot });
  }

  /** Gives up a dial that the pool has no more use for. */
  abandon(slot: Slot<C>, now: number): void {
    this.table.move(slot, "closing");
    this.#setAlarm(slot, now + this.#state.limits.closeTimeoutMs);
    this.#state.emit({ kind: "abandon", slot, isTimeout: false });
  }

  /** A dial opened a connection. */
  open(slot: Slot<C>, connection: C, random: number, now: number): void {
    const { limits } = this.#state;
    slot.connection = connection;
    slot.heardAt = now;
    const jitter = 1 - LIFETIME_JITTER * random;
    slot.expiresAt = now + limits.maxLifetimeMs * jitter;
    slot.expiry = this.deadlines.add(slot.expiresAt, slot);
    this.park(slot, now);
  }

  /** Has an idle connection validated and `onAcquire` run on it. */
  prepare(slot: Slot<C>, ping: boolean, hook: boolean, now: number): void {
    this.idle.remove(slot);
    slot.isPinged = ping;
    slot.isHooked = hook;
    this.table.move(slot, "preparing");
    const { pingTimeoutMs, hookTimeoutMs } = this.#state.limits;
    this.#setAlarm(slot, now + (ping ? pingTimeoutMs : hookTimeoutMs));
    this.#state.emit({ kind: "prepare", slot, ping, hook });
  }

  /** The server has answered; what a hook takes is the hook's own time. */
  answered(slot: Slot<C>, now: number): void {
    if (slot.state !== "preparing") return;
    slot.heardAt = now;
    slot.isPinged = false;
    this.#setAlarm(slot, now + this.#state.limits.hookTimeoutMs);
  }

  /** Gives an idle connection to one lease. */
  lease(slot: Slot<C>): void {
    this.idle.remove(slot);
    this.table.move(slot, "leased");
    slot.uses++;
  }

  /** Gives a leased connection from one lease to the next. */
  relet(slot: Slot<C>, now: number): void {
    slot.heardAt = now;
    slot.uses++;
  }

  /** Puts one more one-shot on an idle or shared connection. */
  share(slot: Slot<C>, now: number): void {
    if (slot.state === "idle") {
      this.idle.remove(slot);
      this.table.move(slot, "shared");
      slot.headSince = now;
    }
    slot.inFlight++;
    this.shared.list(slot);
  }

  /** One-shots ended; after the last, the connection is taken back. */
  finish(slot: Slot<C>, count: number, fate: Fate, now: number): void {
    this.shared.observe(slot, now);
    slot.inFlight -= count;
    slot.heardAt = now;
    if (fate !== "keep") slot.isIsolated = true;
    if (slot.inFlight > 0) {
      const isWanted = this.retirement(slot, now) === undefined;
      return isWanted ? this.shared.list(slot) : this.shared.unlist(slot);
    }
    // What isolated it may have been an earlier one-shot than the last.
    const isToReset = slot.isIsolated && fate === "keep";
    this.takeBack(slot, isToReset ? "reset" : fate, now);
  }

  /** Lets a shared connection take no further one-shot until it was drained. */
  isolate(slot: Slot<C>): void {
    if (slot.state !== "shared") return;
    slot.isIsolated = true;
    this.shared.unlist(slot);
  }

  /** A connection is back from its users. */
  takeBack(slot: Slot<C>, fate: Fate, now: number): void {
    slot.heardAt = now;
    if (fate === "destroy") return this.retire(slot, "destroyed", now);
    if (fate === "keep") return this.park(slot, now);
    const reason = this.retirement(slot, now);
    if (reason !== undefined) return this.retire(slot, reason, now);
    if (slot.state === "idle") this.idle.remove(slot);
    this.shared.unlist(slot);
    this.table.move(slot, "releasing");
    this.#setAlarm(slot, now + this.#state.limits.releaseTimeoutMs);
    this.#state.emit({ kind: "reset", slot });
  }

  /** The only way to become idle. */
  park(slot: Slot<C>, now: number): void {
    const reason = this.retirement(slot, now);
    if (reason !== undefined) return this.retire(slot, reason, now);
    if (slot.alarm !== undefined) this.#setAlarm(slot, Infinity);
    this.shared.unlist(slot);
    slot.isIsolated = false;
    slot.idleSince = now;
    this.table.move(slot, "idle");
    this.idle.push(slot);
  }

  /** Why a connection is not to be granted again, if so. */
  retirement(slot: Slot<C>, now: number): CloseReason | undefined {
    const state = this.#state;
    if (state.phase !== "open") return "shutdown";
    if (slot.generation < state.generation) return "refresh";
    if (slot.expiresAt <= now) return "expired";
    if (slot.uses >= state.limits.maxUses) return "maxUses";
    if (this.table.live > state.max) return "resize";
    return undefined;
  }

  /** Gives up dials above `max`, the last first, and then retires idle connections. */
  shrink(now: number): void {
    if (this.table.live <= this.#state.max) return;
    const dials = [...this.table].filter(({ state }) => state === "connecting");
    while (this.table.live > this.#state.max && dials.length > 0) {
      this.abandon(dials.pop()!, now);
    }
    while (this.table.live > this.#state.max && this.idle.bottom) {
      this.retire(this.idle.bottom, "resize", now);
    }
  }

  /** Retires idle connections of an older generation; shared ones once drained. */
  retireOlder(now: number): void {
    for (const slot of [...this.table]) {
      if (slot.state === "idle") this.retire(slot, "refresh", now);
      else this.isolate(slot);
    }
  }

  /** The only way to be closed by us. */
  retire(slot: Slot<C>, reason: CloseReason, now: number): void {
    if (slot.state === "idle") this.idle.remove(slot);
    this.shared.unlist(slot);
    this.table.move(slot, "closing");
    this.#setAlarm(slot, now + this.#state.limits.closeTimeoutMs);
    this.#state.emit({ kind: "close", slot, reason });
  }

  /** The only way out: the connection is gone, whoever ended it. */
  forget(slot: Slot<C>): void {
    if (slot.state === "idle") this.idle.remove(slot);
    this.shared.unlist(slot);
    this.#setAlarm(slot, Infinity);
    this.deadlines.drop(slot.expiry);
    this.table.move(slot, "closed");
  }

  /** Cuts a connection that did not close in time. */
  cut(slot: Slot<C>): void {
    this.forget(slot);
    this.#state.emit({ kind: "destroy", slot });
  }

  /** Does all that is due. */
  expire(now: number): void {
    for (;;) {
      const slot = this.deadlines.takeDue(now);
      if (slot === undefined) break;
      this.#overrun(slot, now);
    }
    while (this.reapAt <= now) this.retire(this.idle.bottom!, "idle", now);
  }

  /** What a slot was to have done by now, or its lifetime, is over. */
  #overrun(slot: Slot<C>, now: number): void {
    const isAlarm = slot.alarm !== undefined && slot.alarm.owner === undefined;
    if (isAlarm) slot.alarm = undefined;
    if (slot.state === "idle") this.retire(slot, "expired", now);
    else if (slot.state === "shared") this.isolate(slot);
    else if (!isAlarm) return;
    else if (slot.state === "connecting") {
      this.#state.emit({ kind: "abandon", slot, isTimeout: true });
    } else if (slot.state === "preparing") this.#condemn(slot, now);
    else if (slot.state === "releasing") this.retire(slot, "reset", now);
    else if (slot.state === "closing") this.cut(slot);
  }

  /**
   * A connection did not answer in time. Those that have been silent for longer
   * went the same way: asking each would cost a deadline each. A hook that
   * hangs says nothing about the others.
   */
  #condemn(silent: Slot<C>, now: number): void {
    this.retire(silent, "validation", now);
    if (!silent.isPinged) return;
    for (const slot of [...this.idle]) {
      if (slot.heardAt <= silent.heardAt) this.retire(slot, "validation", now);
    }
  }

  #setAlarm(slot: Slot<C>, at: number): void {
    this.deadlines.drop(slot.alarm);
    slot.alarm = this.deadlines.add(at, slot);
  }
}
