/**
 * A second opinion on every step of the machine.
 *
 * The oracle keeps books of its own, of callers and of connections, from the
 * inputs and effects alone, and says what must never happen. It decides nothing
 * and shares no code with the machine.
 *
 * @module
 */

import type { Effect } from "../../src/core/effect.ts";
import type { Slot } from "../../src/core/slot.ts";
import { type Guest, must, PoolBooks, type Record } from "./pool_books.ts";

type EffectOf<K extends Effect<number>["kind"]> = Extract<
  Effect<number>,
  { kind: K }
>;

/** Objects to what must never happen. */
export class PoolOracle extends PoolBooks {
  /** Checks what the machine asked for, and follows it. */
  follow(effects: readonly Effect<number>[]): void {
    for (const effect of effects) this.#follow(effect);
    const kinds = effects.map((effect) =>
      effect.kind === "turnAway" ? effect.refusal : effect.kind
    );
    if (kinds.includes("timeout") && kinds.includes("grant")) {
      this.mark("a timeout and a grant in one step");
    }
  }

  #follow(effect: Effect<number>): void {
    if (effect.kind === "dial") return this.#dial(effect.slot);
    if (effect.kind === "grant") return this.#grant(effect);
    if (effect.kind === "ready") {
      must(this.open >= Math.max(1, this.min), "ready before it was warm");
      return this.#answer(effect.waiter as Guest, "gone");
    }
    if (effect.kind === "turnAway") return this.#turnAway(effect);
    if (effect.kind === "drained") {
      must(this.closing !== undefined && this.total === 0, "drained too soon");
      this.drained++;
      return must(this.drained === 1, "drained twice");
    }
    const record = this.record(effect.slot);
    // What was due is asked for before the input is heard, which the oracle has
    // heard already.
    const isHeard = "slot" in this.input && this.input.slot === effect.slot;
    if (isHeard && this.input.kind !== "dialled") {
      if (record.state === "closed" || effect.kind === "abandon") return;
    }
    if (effect.kind === "prepare") this.#prepare(effect, record);
    else if (effect.kind === "abandon") this.#abandon(effect, record);
    else if (effect.kind === "reset") {
      const isVain = record.state === "idle" && record.isForLease;
      must(
        record.state === "dirty" || isVain,
        `reset of one that is ${record.state}`,
      );
      if (isVain) this.mark("a hook in vain");
      record.isForLease = false;
      record.state = "releasing";
      record.since = this.now;
    } else if (effect.kind === "close") this.#closes(effect, record);
    else this.#destroy(record);
  }

  #dial(slot: Slot<number>): void {
    must(this.closing === undefined, "a dial of a pool that closes");
    const known = this.records.get(slot);
    if (known !== undefined) {
      must(known.state === "connecting" && !known.isDialling, "dialled twice");
      must(known.attempts < this.limits.dialAttempts, "too many attempts");
      known.attempts++;
      known.isDialling = true;
      known.since = this.now;
      return this.mark("a second attempt");
    }
    if (this.failure !== undefined) this.#probe(this.failure);
    this.records.set(slot, this.#newRecord());
    must(this.total <= this.max, `${this.total} connections, max ${this.max}`);
    const live = this.total - this.in("closing").length;
    const isWarming = this.waiting.some(({ kind }) => kind === "ready");
    const floor = Math.max(this.min, isWarming ? 1 : 0);
    const queued = this.waiting.filter(({ kind }) => kind !== "ready").length;
    const onTheirWay = this.in("connecting").length +
      this.#inPing.length + Math.min(this.#inHook.length, this.#leading);
    const isWanted = live <= floor || !this.isPaused && onTheirWay <= queued;
    must(isWanted, `a dial nobody wants: ${onTheirWay} for ${queued}`);
  }

  #probe({ at, isRelapse }: { at: number; isRelapse: boolean }): void {
    const next = this.#inLine[0];
    const mayPass = this.#inLine[this.#leading]?.kind === "share" &&
      this.#mostPassed >= this.#leading;
    const isWarming = this.waiting.some(({ kind }) => kind === "ready");
    const isShort = this.total - this.in("closing").length <
      Math.max(this.min, isWarming ? 1 : 0);
    const isTrial = isRelapse && next?.kind === "lease" && !mayPass &&
      !isShort;
    const length = this.in("connecting").length +
      (isTrial ? this.#inHook.length : 0);
    must(length === 0, `${length} dials beside a probe`);
    if (isRelapse && !isTrial) return this.mark("a dial despite a relapse");
    must(this.now - at >= 25, "a probe too soon");
    this.mark("a probe");
  }

  /** Who waits for a connection. */
  get #inLine(): Guest[] {
    return this.waiting.filter(({ kind }) => kind !== "ready");
  }

  /** How many of them want a lease before the first that does not. */
  get #leading(): number {
    const index = this.#inLine.findIndex(({ kind }) => kind === "share");
    return index < 0 ? this.#inLine.length : index;
  }

  get #inHook(): Slot<number>[] {
    return this.in("preparing").filter((slot) => this.record(slot).hook);
  }

  /** How many leases wait for a hook and for nothing else. */
  get #mostPassed(): number {
    return this.failure?.isRelapse === true ? Infinity : this.#inHook.length;
  }

  get #inPing(): Slot<number>[] {
    return this.in("preparing").filter((slot) => !this.record(slot).hook);
  }

  #newRecord(): Record {
    return {
      state: "connecting",
      generation: this.generation,
      expiresAt: Infinity,
      heardAt: -Infinity,
      uses: 0,
      users: [],
      isIsolated: false,
      begun: this.now,
      since: this.now,
      attempts: 1,
      isDialling: true,
      ping: false,
      hook: false,
      isProven: false,
      isForLease: false,
    };
  }

  #prepare({ slot, ping, hook }: EffectOf<"prepare">, record: Record): void {
    must(record.state === "idle", `prepares one that is ${record.state}`);
    must(this.#mayBeGranted(record), `prepares ${slot.id}, past its time`);
    must(ping || hook, "prepares nothing");
    must(ping === this.#isSilent(record), "asks who was heard, or does not");
    if (hook && !record.isProven) this.#checkTrial();
    Object.assign(record, { state: "preparing", ping, hook, since: this.now });
    const { length } = hook ? this.#inHook : this.#inPing;
    const wanted = hook ? this.#leading : this.#inLine.length;
    must(length <= wanted, `prepares ${length} for ${wanted}`);
  }

  /** While hooks throw, one is tried at a time, and none too soon. */
  #checkTrial(): void {
    if (this.failure?.isRelapse !== true) return;
    must(this.#inHook.length === 0, "a hook beside one that is tried");
    must(this.now - this.failure.at >= 25, "a hook is tried too soon");
    this.mark("a hook is tried");
  }

  #isSilent({ heardAt }: Record): boolean {
    return heardAt < this.leaptAt ||
      this.now - heardAt > this.limits.validateAfterIdleMs;
  }

  #mayBeGranted({ generation, expiresAt, uses }: Record): boolean {
    return generation === this.generation && expiresAt > this.now &&
      uses < this.limits.maxUses;
  }

  #grant({ waiter, slot }: EffectOf<"grant">): void {
    const guest = waiter as Guest;
    const record = this.record(slot);
    must(this.closing === undefined && !this.isPaused, "a grant when it rests");
    if (guest !== this.#inLine[0]) this.#checkPass(guest, record);
    must(guest.deadline > this.now || guest.isAtOnce, "a grant too late");
    must(this.#mayBeGranted(record), `a grant of ${slot.id}, past its time`);
    const isShared = guest.kind === "share" && record.state === "shared";
    if (isShared) this.#checkShare(record);
    else this.#checkFresh(guest, slot, record);
    if (this.in("connecting").length > 0) this.mark("served before its dial");
    this.#answer(guest, "granted");
    record.users.push(guest);
    record.state = guest.kind === "lease" ? "leased" : "shared";
    if (guest.kind === "lease") record.uses++;
  }

  /** A one-shot passes leases that wait for a hook, and nothing else. */
  #checkPass(guest: Guest, { isProven }: Record): void {
    const before = this.#inLine.indexOf(guest);
    const mayPass = guest.kind === "share" && before === this.#leading &&
      before <= this.#mostPassed && this.limits.hasAcquireHook;
    must(mayPass, "a grant out of turn");
    const isAwaited = isProven && this.failure?.isRelapse === true;
    must(!isAwaited, "a one-shot keeps what a lease could have");
    this.mark("a one-shot passes a lease in its hook");
  }

  #checkShare({ users, isIsolated }: Record): void {
    must(users.length < this.limits.pipeline, "one too many on a connection");
    must(!isIsolated, "a place on an isolated connection");
    must(this.in("idle").length === 0, "shares beside idle");
    must(this.#inPing.length === 0, "shares beside what is asked for it");
    const mayOpen = this.total < this.max && this.failure === undefined;
    must(!mayOpen, "shares before all are open");
    this.mark("a shared connection");
  }

  #checkFresh(guest: Guest, slot: Slot<number>, record: Record): void {
    must(record.state === "idle", `a grant of one that is ${record.state}`);
    must(record.users.length === 0, "a grant of one that is owned");
    const mayTake = !record.isForLease || guest.kind === "lease";
    must(mayTake, "a one-shot takes what a hook has touched");
    record.isForLease = false;
    if (guest.isAtOnce) return;
    const isPrepared = this.input.kind === "prepared" &&
      this.input.slot === slot;
    must(isPrepared || !this.#isSilent(record), "a grant unasked");
    const isToHook = guest.kind === "lease" && this.limits.hasAcquireHook;
    must(!isToHook || isPrepared && record.hook, "a grant without its hook");
  }

  #answer(guest: Guest, status: "granted" | "gone"): void {
    must(
      guest.status === "waiting",
      `an answer to one that is ${guest.status}`,
    );
    guest.status = status;
    guest.answers++;
    this.waiting = this.waiting.filter((other) => other !== guest);
  }

  #turnAway({ waiter, refusal }: EffectOf<"turnAway">): void {
    const guest = waiter as Guest;
    if (refusal === "timeout") {
      must(guest.deadline <= this.now, "a timeout too early");
    } else if (refusal === "closed") {
      must(this.closing !== undefined, "turned away from an open pool");
    } else {
      must(this.failure?.isPermanent === true, "no hope given up");
      must(this.open === 0, "refused beside open connections");
      const isNew = this.input.kind === "acquire";
      this.mark(isNew ? "a refusal at once" : "a refusal of who waits");
    }
    this.#answer(guest, "gone");
  }

  #abandon({ isTimeout }: EffectOf<"abandon">, record: Record): void {
    if (isTimeout) {
      const spent = this.now - record.since;
      must(spent >= this.limits.connectTimeoutMs, `gave up after ${spent} ms`);
      return this.mark("a dial timed out");
    }
    const { length } = this.in("closing");
    const isSurplus = this.input.kind === "resize" &&
      this.total - length > this.max;
    must(
      this.closing !== undefined || isSurplus,
      "gives up a dial for nothing",
    );
    must(record.state === "connecting", `gives up one ${record.state}`);
    record.state = "closing";
    record.since = this.now;
  }

  #closes({ reason }: EffectOf<"close">, record: Record): void {
    const isForced = this.closing !== undefined &&
      this.closing.forceAt <= this.now;
    const inUse = record.state === "leased" || record.state === "shared";
    must(!inUse || isForced, `cuts one that is ${record.state}: ${reason}`);
    must(record.state !== "closed", "closes what is closed");
    if (reason === "idle") {
      // What was due came first: one that the input took away was still there.
      const isTaken = ["lost", "detach"].includes(this.input.kind);
      const open = this.open + (isTaken ? 1 : 0);
      must(open > this.minBefore, `reaps below ${this.min}`);
    }
    if (reason === "expired") must(record.expiresAt <= this.now, "too young");
    this.mark(`closed: ${reason}`);
    record.state = "closing";
    record.since = this.now;
  }

  #destroy(record: Record): void {
    const isLate = this.input.kind === "dialled" && record.state === "closed";
    const isOver = this.closing !== undefined &&
      this.closing.endAt <= this.now;
    const isSlow = record.state === "closing" &&
      this.now - record.since >= this.limits.closeTimeoutMs;
    must(isLate || isOver || isSlow, `destroys one that is ${record.state}`);
    this.mark(isLate ? "destroyed: late" : isOver ? "cut" : "destroyed: slow");
    record.state = "closed";
  }
}
