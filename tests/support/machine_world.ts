/**
 * A world around the machine in which the test is time, server and callers.
 *
 * Effects are not carried out: they are held until the test answers them.
 * After every step the invariants are checked.
 *
 * @module
 */

import type { CloseReason, Effect, Refusal } from "../../src/core/effect.ts";
import type { Fate, Input } from "../../src/core/input.ts";
import { assertInvariants } from "../../src/core/invariants.ts";
import type { Limits } from "../../src/core/limits.ts";
import { PoolMachine } from "../../src/core/pool_machine.ts";
import type { Slot } from "../../src/core/slot.ts";
import { Waiter, type WaiterKind } from "../../src/core/wait_queue.ts";
import { assert, assertExists } from "./assert.ts";

/** Small numbers that are easy to reason with; times differ so that none hides another. */
export const SMALL_LIMITS: Limits = {
  max: 2,
  min: 0,
  pipeline: 2,
  dialAttempts: 1,
  connectTimeoutMs: 5_000,
  pingTimeoutMs: 300,
  hookTimeoutMs: 300,
  releaseTimeoutMs: 200,
  closeTimeoutMs: 100,
  idleTimeoutMs: 60_000,
  maxLifetimeMs: Infinity,
  maxUses: Infinity,
  maxWaiting: Infinity,
  overload: undefined,
  validateAfterIdleMs: 2_000,
  hasAcquireHook: false,
};

// No test takes more: a machine that never comes to rest fails instead of hanging.
const MOST_STEPS = 1_000;

/** What became of a caller. */
export type Outcome = "waiting" | "granted" | "ready" | Refusal;

/** A caller that keeps a record of what it was told. */
export class Caller extends Waiter {
  /** What it was told last. */
  outcome: Outcome = "waiting";
  /** How often it was told something. */
  answers = 0;
  /** What it was granted. */
  slot: Slot<string> | undefined;
  /** The error it was turned away with. */
  error: unknown;

  /** The connection it was granted. */
  get granted(): Slot<string> {
    assertExists(this.slot, `granted nothing, but ${this.outcome}`);
    return this.slot;
  }
}

type InputWithoutTime<I = Input<string>> = I extends Input<string>
  ? Omit<I, "now">
  : never;

/** The machine, a clock, and everything that was asked for and not answered. */
export class MachineWorld {
  readonly machine: PoolMachine<string>;
  now = 1_000;
  /** What the last step asked for. */
  effects: readonly Effect<string>[] = [];
  /** Dials under way, oldest first; a second attempt is a new one. */
  dials: Slot<string>[] = [];
  /** Dials that were given up and have not yet failed. */
  abandoned: Slot<string>[] = [];
  preparations: Slot<string>[] = [];
  resets: Slot<string>[] = [];
  closes: { slot: Slot<string>; reason: CloseReason }[] = [];
  destroyed: Slot<string>[] = [];
  drained = 0;

  constructor(limits: Partial<Limits> = {}) {
    this.machine = new PoolMachine({ ...SMALL_LIMITS, ...limits });
    this.tick();
  }

  /** Feeds an input at the present time. */
  step(input: InputWithoutTime): void {
    this.effects = this.machine.step({ ...input, now: this.now });
    for (const effect of this.effects) this.#note(effect);
    assertInvariants(this.machine, this.now);
  }

  /** The kinds of what the last step asked for, in order. */
  get asked(): string[] {
    return this.effects.map((effect) => effect.kind);
  }

  /** Somebody asks for a connection, or for the pool to be warm. */
  acquire(kind: WaiterKind = "lease", timeoutMs = Infinity): Caller {
    const waiter = new Caller(kind, this.now, this.now + timeoutMs);
    this.step({ kind: "acquire", waiter });
    return waiter;
  }

  /** Many ask, one after the other. */
  acquireMany(count: number, kind: WaiterKind = "lease"): Caller[] {
    return Array.from({ length: count }, () => this.acquire(kind));
  }

  abort(waiter: Caller): void {
    this.step({ kind: "abort", waiter });
  }

  /** A dial opens a connection: the oldest one, unless told which. */
  dialled(slot = this.dials[0], random = 0): Slot<string> {
    assertExists(slot, "no dial under way");
    const connection = `connection ${slot.id}`;
    this.#answer(slot);
    this.step({ kind: "dialled", slot, connection, random });
    return slot;
  }

  dialFailed(
    { slot = this.dials[0], error = "refused", isPermanent = false }: {
      slot?: Slot<string> | undefined;
      error?: unknown;
      isPermanent?: boolean;
    } = {},
  ): void {
    assertExists(slot, "no dial under way");
    this.#answer(slot);
    this.step({ kind: "dialFailed", slot, error, isPermanent, random: 1 });
  }

  /** Every dial fails, those too that begin meanwhile. */
  allDialsFail(): void {
    for (let left = MOST_STEPS; this.dials.length > 0; left--) {
      assert(left > 0, "dials without end");
      this.dialFailed();
    }
  }

  prepared(
    isOk = true,
    slot = this.preparations[0],
    isTouched = false,
  ): void {
    assertExists(slot, "no preparation under way");
    this.#answer(slot);
    this.step({ kind: "prepared", slot, isOk, isTouched });
  }

  release(caller: Caller, fate: Fate = "keep"): void {
    this.step({ kind: "release", slot: caller.granted, fate });
  }

  wasReset(isOk = true, slot = this.resets[0]): void {
    assertExists(slot, "no reset under way");
    this.#answer(slot);
    this.step({ kind: "wasReset", slot, isOk });
  }

  finished(slot: Slot<string>, count = 1, fate: Fate = "keep"): void {
    this.step({ kind: "finished", slot, count, fate });
  }

  lost(slot: Slot<string>): void {
    this.#answer(slot);
    this.step({ kind: "lost", slot });
  }

  closed(slot = this.closes[0]?.slot): void {
    assertExists(slot, "no close under way");
    this.#answer(slot);
    this.step({ kind: "lost", slot });
  }

  /** Closes the pool. */
  close(graceMs = 5_000, endMs = graceMs + 1_000): void {
    const { now } = this;
    this.step({ kind: "close", forceAt: now + graceMs, endAt: now + endMs });
  }

  /** One tick, now. */
  tick(): void {
    this.step({ kind: "tick" });
  }

  /** Time passes, with a tick at each deadline on the way as the shell would. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let left = MOST_STEPS; this.machine.nextDeadline <= end; left--) {
      assert(left > 0, `still due at ${this.machine.nextDeadline}`);
      this.now = this.machine.nextDeadline;
      this.tick();
    }
    this.now = end;
  }

  /** Opens connections and leaves them idle; answers them, the one used last at the end. */
  open(count: number): Slot<string>[] {
    const callers = this.acquireMany(count);
    this.#dialAll();
    for (const caller of callers) this.release(caller);
    return callers.map((caller) => caller.granted);
  }

  /** Opens connections and leaves them leased. */
  lease(count: number): Caller[] {
    const callers = this.acquireMany(count);
    this.#dialAll();
    for (const caller of callers) assert(caller.outcome === "granted");
    return callers;
  }

  #dialAll(): void {
    for (let left = MOST_STEPS; this.dials.length > 0; left--) {
      assert(left > 0, "dials without end");
      this.dialled();
    }
  }

  #answer(slot: Slot<string>): void {
    for (const list of [this.dials, this.abandoned, this.preparations]) {
      if (list.includes(slot)) list.splice(list.indexOf(slot), 1);
    }
    this.resets = this.resets.filter((other) => other !== slot);
    this.closes = this.closes.filter((close) => close.slot !== slot);
  }

  #note(effect: Effect<string>): void {
    if (effect.kind === "drained") this.drained++;
    else if (
      effect.kind === "grant" || effect.kind === "ready" ||
      effect.kind === "turnAway"
    ) tell(effect);
    else {
      this.#answer(effect.slot);
      if (effect.kind === "dial") this.dials.push(effect.slot);
      else if (effect.kind === "abandon") this.abandoned.push(effect.slot);
      else if (effect.kind === "prepare") this.preparations.push(effect.slot);
      else if (effect.kind === "reset") this.resets.push(effect.slot);
      else if (effect.kind === "close") this.closes.push(effect);
      else this.destroyed.push(effect.slot);
    }
  }
}

function tell(
  effect: Extract<
    Effect<string>,
    { kind: "grant" | "ready" | "turnAway" }
  >,
): void {
  const caller = effect.waiter as Caller;
  caller.answers++;
  if (effect.kind === "grant") {
    caller.outcome = "granted";
    caller.slot = effect.slot;
  } else if (effect.kind === "ready") caller.outcome = "ready";
  else {
    caller.outcome = effect.refusal;
    caller.error = effect.error;
  }
}
