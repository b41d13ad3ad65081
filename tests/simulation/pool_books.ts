/**
 * What the oracle knows: callers and connections, from the inputs alone.
 *
 * @module
 */

import type { Input } from "../../src/core/input.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { PoolMachine } from "../../src/core/pool_machine.ts";
import type { Slot, SlotState } from "../../src/core/slot.ts";
import { Waiter } from "../../src/core/wait_queue.ts";

/** A caller. */
export class Guest extends Waiter {
  /** Its place in the order of arrival, by the oracle's own count. */
  arrival = 0;
  /** Whether it waits, has a connection, or was answered otherwise. */
  status: "waiting" | "granted" | "gone" = "waiting";
  /** Asked when its deadline had passed: to be answered in the same step. */
  isAtOnce = false;
  /** How often it was answered, and how often it may be: once per time it asked. */
  answers = 0;
  asked = 1;
}

/** What the oracle knows of a connection. */
export interface Record {
  /** As the machine's; `spent` and `dirty` must not outlast a step. */
  state: SlotState | "spent" | "dirty";
  readonly generation: number;
  expiresAt: number;
  heardAt: number;
  uses: number;
  /** Whom it serves, first come first. */
  users: Guest[];
  isIsolated: boolean;
  /** When its first attempt began. */
  readonly begun: number;
  /** When the attempt, or the close, began. */
  since: number;
  attempts: number;
  /** A dial that is not answered yet, given up or not. */
  isDialling: boolean;
  ping: boolean;
  hook: boolean;
  /** Whether its hook has ended well. */
  isProven: boolean;
  /** Its hook has left something that only a lease may see; must not be idle after a step. */
  isForLease: boolean;
}

type InputOf<K extends Input<number>["kind"]> = Extract<
  Input<number>,
  { kind: K }
>;

/** Keeps the books. */
export class PoolBooks {
  readonly limits: Limits;
  readonly records = new Map<Slot<number>, Record>();
  /** Everyone who waits, in order of arrival. */
  waiting: Guest[] = [];
  /** How often each rare state was reached, over all histories. */
  readonly seen: Map<string, number>;
  max: number;
  min: number;
  isPaused = false;
  closing: { forceAt: number; endAt: number } | undefined;
  drained = 0;
  now = 0;
  minBefore = 0;
  generation = 0;
  leaptAt = -Infinity;
  #arrivals = 0;
  #failedAt = -Infinity;
  failure:
    | { at: number; isPermanent: boolean; isRelapse: boolean }
    | undefined;
  input!: Input<number>;

  constructor(limits: Limits, seen: Map<string, number>) {
    this.limits = limits;
    this.max = limits.max;
    this.min = limits.min;
    this.seen = seen;
  }

  /** Counts a rare state. */
  mark(name: string): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
  }

  /** All slots in one of these states. */
  in(...states: Record["state"][]): Slot<number>[] {
    const found: Slot<number>[] = [];
    for (const [slot, { state }] of this.records) {
      if (states.includes(state)) found.push(slot);
    }
    return found;
  }

  /** How many there are that are not closed. */
  get total(): number {
    return this.records.size - this.in("closed").length;
  }

  get open(): number {
    return this.total - this.in("connecting", "closing").length;
  }

  /** Takes note of an input, before the machine does. */
  take(input: Input<number>): void {
    this.now = input.now;
    this.input = input;
    this.minBefore = this.min;
    if (input.kind === "acquire") this.#arrive(input);
    else if (input.kind === "abort") this.#leave(input.waiter as Guest);
    else if (input.kind === "resize") {
      this.minBefore = Math.min(this.min, input.min);
      this.max = input.max;
      this.min = input.min;
    } else if (input.kind === "refresh") this.generation++;
    else if (input.kind === "leap") this.leaptAt = input.now;
    else if (input.kind === "pause") this.isPaused = true;
    else if (input.kind === "resume") this.isPaused = false;
    else if (input.kind === "close") this.#close(input);
    else if ("slot" in input) this.#turn(input);
  }

  #arrive({ waiter, now, isResent }: InputOf<"acquire">): void {
    const guest = waiter as Guest;
    guest.status = "waiting";
    guest.isAtOnce = guest.deadline <= now;
    if (!isResent) guest.arrival = ++this.#arrivals;
    this.waiting.push(guest);
    this.waiting.sort((a, b) => a.arrival - b.arrival);
  }

  #close({ forceAt, endAt }: InputOf<"close">): void {
    if (this.drained > 0) return;
    for (const name of ["connecting", "preparing", "releasing"] as const) {
      if (this.in(name).length > 0) this.mark(`close while ${name}`);
    }
    this.closing ??= { forceAt, endAt };
    this.closing.forceAt = Math.min(this.closing.forceAt, forceAt);
    this.closing.endAt = Math.min(this.closing.endAt, endAt);
  }

  /** What an input does to a connection, as far as the input alone decides it. */
  #turn(input: Extract<Input<number>, { slot: unknown }>): void {
    const record = this.record(input.slot);
    const { kind, now } = input;
    if (kind === "dialled") this.#opened(record, input);
    else if (kind === "dialFailed") this.#failed(record, input);
    else if (kind === "prepared" && record.state === "preparing") {
      this.#prepared(record, input);
    } else if (kind === "answered" && record.state === "preparing") {
      Object.assign(record, { ping: false, heardAt: now, since: now });
    } else if (kind === "wasReset" && record.state === "releasing") {
      record.state = input.isOk ? "idle" : "spent";
      record.heardAt = now;
    } else if (kind === "release" && record.state === "leased") {
      this.#giveBack(record, input.fate);
    } else if (kind === "finished" && record.state === "shared") {
      record.users.splice(0, input.count);
      record.heardAt = now;
      if (input.fate !== "keep") record.isIsolated = true;
      if (record.users.length === 0) this.#giveBack(record, input.fate);
    } else if (kind === "isolate" && record.state === "shared") {
      record.isIsolated = true;
    } else if (["lost", "detach"].includes(kind)) {
      if (kind === "lost") {
        this.mark(`lost while ${record.state}`);
        if (input.fault !== undefined) this.#relapse(record, now);
      }
      record.state = "closed";
    }
  }

  #giveBack(record: Record, fate: "keep" | "reset" | "destroy"): void {
    record.users = [];
    record.heardAt = this.now;
    if (fate === "destroy") record.state = "spent";
    else if (fate === "reset" || record.isIsolated) record.state = "dirty";
    else record.state = "idle";
    if (record.isIsolated) this.mark("an isolated connection drained");
    record.isIsolated = false;
  }

  #prepared(record: Record, input: InputOf<"prepared">): void {
    const { isOk, isTouched = false, fault, now } = input;
    // What was due came first.
    const { pingTimeoutMs, hookTimeoutMs } = this.limits;
    const limitMs = record.ping ? pingTimeoutMs : hookTimeoutMs;
    const isLate = now - record.since >= limitMs;
    if (fault !== undefined) this.#relapse(record, now);
    const isFirst = record.hook && !record.isProven && isOk && !isLate;
    if (isFirst && this.failure?.isRelapse) this.failure = undefined;
    if (isFirst) record.isProven = true;
    record.state = isOk ? "idle" : "spent";
    record.isForLease = isOk && isTouched;
    if (isOk) record.heardAt = now;
  }

  /** A connection that no lease may have, and none had, counts as a dial that failed. */
  #relapse({ isProven, begun }: Record, at: number): void {
    const isKnown = this.failure !== undefined && begun <= this.#failedAt;
    if (isProven || isKnown) return;
    this.#failedAt = at;
    this.failure = { at, isPermanent: false, isRelapse: true };
    this.mark("a relapse");
  }

  #opened(record: Record, { now, random }: InputOf<"dialled">): void {
    record.isDialling = false;
    if (record.state === "connecting") {
      record.state = "idle";
      if (!this.failure?.isRelapse) this.failure = undefined;
    } else this.mark(`dialled when ${record.state}`);
    record.heardAt = now;
    record.expiresAt = now + this.limits.maxLifetimeMs * (1 - random / 10);
  }

  #failed(record: Record, input: InputOf<"dialFailed">): void {
    record.isDialling = false;
    if (record.state === "closing") record.state = "closed";
    if (record.state !== "connecting") return;
    const { isPermanent } = input;
    if (!isPermanent && record.attempts < this.limits.dialAttempts) return;
    record.state = "closed";
    // Dials that were under way together fail together, and one that began
    // before does not speak against a success since.
    if (record.begun > this.#failedAt) {
      this.#failedAt = input.now;
      this.failure = { at: input.now, isPermanent, isRelapse: false };
    } else if (this.failure !== undefined) {
      this.failure.isPermanent = isPermanent;
    }
    const isServed = this.open > 0 && this.waiting.length > 0;
    if (isServed) this.mark("a failed dial beside open connections");
  }

  #leave(guest: Guest): void {
    if (guest.status === "granted") this.mark("abort of one just granted");
    // A deadline comes before what happens at the same time.
    if (guest.status !== "waiting" || guest.deadline <= this.now) return;
    guest.status = "gone";
    guest.answers++;
    this.waiting = this.waiting.filter((other) => other !== guest);
  }

  /** Compares the machine's books with the oracle's, after a step. */
  compare(machine: PoolMachine<number>): void {
    const { table } = machine.slots;
    must(table.total === this.total, `${table.total} slots: ${this.total}`);
    for (const [slot, { state, users, isForLease }] of this.records) {
      must(slot.state === state, `${slot.id}: ${slot.state}, not ${state}`);
      must(!isForLease || state !== "idle", `${slot.id}: idle, and touched`);
      must(state !== "shared" || slot.inFlight === users.length, "miscounts");
    }
    if (this.closing !== undefined && this.closing.forceAt <= this.now) {
      const { length } = this.in("leased", "shared", "preparing", "releasing");
      must(length === 0, `${length} stay after they were to be closed`);
    }
    const { queue, readiness } = machine.waiters;
    const queued = queue.length + readiness.length;
    const { length } = this.waiting;
    must(queued === length, `${queued} queued, ${length} wait`);
  }

  /** The books on a slot. */
  record(slot: Slot<number>): Record {
    const record = this.records.get(slot);
    if (record === undefined) throw new Error("Oracle: an unknown slot");
    return record;
  }
}

/** Objects unless it is so. */
export function must(isSo: boolean, objection: string): void {
  if (!isSo) throw new Error(`Oracle: ${objection}`);
}
