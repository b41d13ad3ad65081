/**
 * What can happen to a pool, each time in one of many ways.
 *
 * @module
 */

import type { Effect } from "../../src/core/effect.ts";
import type { Fate, Input } from "../../src/core/input.ts";
import { assertInvariants } from "../../src/core/invariants.ts";
import type { Limits } from "../../src/core/limits.ts";
import { PoolMachine } from "../../src/core/pool_machine.ts";
import type { Slot } from "../../src/core/slot.ts";
import type { WaiterKind } from "../../src/core/wait_queue.ts";
import { Guest } from "./pool_books.ts";
import { PoolOracle } from "./pool_oracle.ts";
import { Random } from "./random.ts";

type InputWithoutTime<I = Input<number>> = I extends Input<number>
  ? Omit<I, "now">
  : never;

const FATES: [Fate, ...Fate[]] = ["keep", "keep", "keep", "reset", "destroy"];

/** Random numbers for a pool, small enough to meet their limits. */
function randomLimits(random: Random): Limits {
  const max = 1 + random.below(3);
  return {
    max,
    min: random.below(Math.min(max, 2) + 1),
    pipeline: 1 + random.below(3),
    dialAttempts: 1 + random.below(2),
    connectTimeoutMs: 60,
    pingTimeoutMs: 20,
    hookTimeoutMs: 20,
    releaseTimeoutMs: 20,
    closeTimeoutMs: 20,
    idleTimeoutMs: random.pick([100, Infinity]),
    maxLifetimeMs: random.pick([200, Infinity]),
    maxUses: random.pick([2, Infinity]),
    maxWaiting: Infinity,
    overload: undefined,
    validateAfterIdleMs: random.pick([0, 30, Infinity]),
    hasAcquireHook: random.chance(0.3),
  };
}

/** A pool, its oracle, and chance; every step is checked. */
export class PoolLife {
  readonly machine: PoolMachine<number>;
  readonly oracle: PoolOracle;
  /** Every step in words, when it is to be kept. */
  readonly transcript: string[] = [];
  readonly keepsTranscript: boolean;
  readonly random: Random;
  readonly guests: Guest[] = [];
  now = 1_000;

  constructor(
    seed: number,
    seen: Map<string, number>,
    keepsTranscript = false,
  ) {
    this.random = new Random(seed);
    this.keepsTranscript = keepsTranscript;
    const limits = randomLimits(this.random);
    this.machine = new PoolMachine(limits);
    this.oracle = new PoolOracle(limits, seen);
    if (keepsTranscript) this.transcript.push(JSON.stringify(limits));
  }

  step(input: InputWithoutTime): readonly Effect<number>[] {
    const timed = { ...input, now: this.now } as Input<number>;
    this.oracle.take(timed);
    const effects = this.random.chance(0.5)
      ? this.#shortCut(timed) ?? this.machine.step(timed)
      : this.machine.step(timed);
    if (this.keepsTranscript) this.write(timed, effects);
    this.oracle.follow(effects);
    assertInvariants(this.machine, this.now);
    this.oracle.compare(this.machine);
    return effects;
  }

  /** What needs no input, as a pool does it: the same as that input would have done. */
  #shortCut(input: Input<number>): readonly Effect<number>[] | undefined {
    const { now, machine } = this;
    if (input.kind === "acquire" && !input.isResent) {
      const { waiter } = input;
      const slot = machine.turnstile.takeReady(waiter.kind, now);
      if (slot === undefined) return undefined;
      machine.waiters.number(waiter);
      this.oracle.mark("a connection taken without an input");
      return [{ kind: "grant", waiter, slot }];
    }
    if (!("fate" in input) || input.fate !== "keep") return undefined;
    if (input.kind === "release") {
      const waiter = machine.turnstile.passOn(input.slot, now);
      if (waiter !== undefined) {
        this.oracle.mark("a connection passed on without an input");
        return [{ kind: "grant", waiter, slot: input.slot }];
      }
      if (!machine.turnstile.keep(input.slot, now)) return undefined;
      this.oracle.mark("a connection put back without an input");
    } else {
      if (!machine.turnstile.finish(input.slot, input.count, now)) {
        return undefined;
      }
      this.oracle.mark("one-shots ended without an input");
    }
    return [];
  }

  write(input: Input<number>, effects: readonly Effect<number>[]): void {
    const words = [input, ...effects].map((fact) => {
      const { kind, ...rest } = fact;
      const facts = Object.entries(rest).map(([name, value]) =>
        value instanceof Guest
          ? `${value.kind} ${value.arrival} until ${value.deadline}`
          : typeof value === "object" && value !== null && "id" in value
          ? `slot ${value.id}`
          : `${name} ${value}`
      );
      return `${kind}(${facts.join(", ")})`;
    });
    this.transcript.push(`${words[0]} → ${words.slice(1).join(" ")}`);
  }

  acquire(): void {
    const random = this.random;
    const kind = random.pick<WaiterKind>(
      ["lease", "lease", "lease", "share", "share", "share", "share", "ready"],
    );
    const timeoutMs = random.pick([0, 5, 10, 50, Infinity, Infinity]);
    this.ask(kind, this.now + timeoutMs);
  }

  ask(kind: WaiterKind, deadline: number): Guest {
    const waiter = new Guest(kind, this.now, deadline);
    this.guests.push(waiter);
    this.step({ kind: "acquire", waiter });
    return waiter;
  }

  abort(): void {
    const { oracle } = this;
    const waiter = this.random.chance(0.7)
      ? this.random.maybe(oracle.waiting)
      : this.guests.at(-1);
    if (waiter !== undefined) this.step({ kind: "abort", waiter });
  }

  dialled(): void {
    const slot = this.random.maybe(this.dialling());
    if (slot === undefined) return;
    const random = this.random.next();
    this.step({ kind: "dialled", slot, connection: slot.id, random });
  }

  /** Dials under way; those given up too: they may end either way. */
  dialling(): Slot<number>[] {
    const { records } = this.oracle;
    return [...records.keys()].filter((slot) => records.get(slot)!.isDialling);
  }

  dialFails(isPermanent: boolean): void {
    const slot = this.random.maybe(this.dialling());
    if (slot === undefined) return;
    const random = this.random.next();
    const error = isPermanent ? "28P01" : "53300";
    this.step({ kind: "dialFailed", slot, error, isPermanent, random });
  }

  /** The server answers a ping after which a hook is to run. */
  answer(): void {
    const asked = this.oracle.in("preparing").filter((slot) => {
      const { ping, hook } = this.oracle.record(slot);
      return ping && hook;
    });
    const slot = this.random.maybe(asked);
    if (slot !== undefined) this.step({ kind: "answered", slot });
  }

  prepare(isOk: boolean): void {
    const slot = this.random.maybe(this.oracle.in("preparing"));
    if (slot === undefined) return;
    const { ping, hook } = this.oracle.record(slot);
    const hasThrown = !isOk && hook && !ping && this.random.chance(0.7);
    const fault = hasThrown
      ? { error: "Thrown", random: this.random.next() }
      : undefined;
    const isTouched = hook && this.random.chance(0.5);
    this.step({ kind: "prepared", slot, isOk, isTouched, fault });
  }

  release(): void {
    const slot = this.random.maybe(this.oracle.in("leased"));
    const fate = this.random.pick(FATES);
    if (slot !== undefined) this.step({ kind: "release", slot, fate });
  }

  detach(): void {
    const slot = this.random.maybe(this.oracle.in("leased"));
    if (slot !== undefined) this.step({ kind: "detach", slot });
  }

  reset(isOk: boolean): void {
    const slot = this.random.maybe(this.oracle.in("releasing"));
    if (slot !== undefined) this.step({ kind: "wasReset", slot, isOk });
  }

  finish(): void {
    const slot = this.random.maybe(this.oracle.in("shared"));
    if (slot === undefined) return;
    const { length } = this.oracle.record(slot).users;
    const count = 1 + this.random.below(length);
    const fate = this.random.pick(FATES);
    this.step({ kind: "finished", slot, count, fate });
  }

  isolate(): void {
    const slot = this.random.maybe(this.oracle.in("shared"));
    if (slot !== undefined) this.step({ kind: "isolate", slot });
  }

  closed(): void {
    const slot = this.random.maybe(this.closing());
    if (slot !== undefined) this.step({ kind: "lost", slot });
  }

  /** Connections that were asked to close; a dial given up answers otherwise. */
  closing(): Slot<number>[] {
    return this.oracle.in("closing").filter((slot) =>
      !this.oracle.record(slot).isDialling
    );
  }

  lose(): void {
    const slot = this.random.maybe(
      this.oracle.in("idle", "preparing", "leased", "shared", "releasing"),
    ) ?? this.random.maybe(this.closing());
    if (slot === undefined) return;
    const { state, ping, hook } = this.oracle.record(slot);
    const fault = state === "preparing" && hook && !ping
      ? { error: "Lost", random: this.random.next() }
      : undefined;
    this.step({ kind: "lost", slot, fault });
  }

  /** A shared connection dies, and none of its one-shots had been sent. */
  loseUnsent(): void {
    const slot = this.random.maybe(this.oracle.in("shared"));
    if (slot === undefined) return;
    const { users } = this.oracle.record(slot);
    this.step({ kind: "lost", slot });
    for (const waiter of users) {
      waiter.asked++;
      this.oracle.mark("a one-shot asked again");
      this.step({ kind: "acquire", waiter, isResent: true });
    }
  }

  /** An answer that came before, or too late: it must change nothing. */
  replay(): void {
    const { oracle, machine } = this;
    const slot = this.random.maybe([...oracle.records.keys()]);
    if (slot === undefined) return;
    const { state, isDialling } = oracle.record(slot);
    const stale: InputWithoutTime[] = [];
    if (!isDialling && state !== "connecting") {
      const error = "refused";
      const isPermanent = true;
      const connection = -slot.id;
      if (slot.connection !== undefined) {
        stale.push({ kind: "dialled", slot, connection, random: 0 });
      }
      if (state !== "closing" || slot.connection !== undefined) {
        stale.push({ kind: "dialFailed", slot, error, isPermanent, random: 0 });
      }
    }
    const isOk = this.random.chance(0.5);
    if (state !== "preparing") {
      stale.push({ kind: "answered", slot }, { kind: "prepared", slot, isOk });
    }
    if (state !== "releasing") stale.push({ kind: "wasReset", slot, isOk });
    if (state !== "leased") stale.push({ kind: "release", slot, fate: "keep" });
    if (state !== "shared") {
      stale.push({ kind: "finished", slot, count: 1, fate: "keep" });
      stale.push({ kind: "isolate", slot });
    }
    if (state === "closed") stale.push({ kind: "lost", slot });
    this.step({ kind: "tick" });
    const before = JSON.stringify(machine.slots.table.counts);
    const input = this.random.maybe(stale);
    if (input === undefined || oracle.record(slot).state !== state) return;
    const effects = this.machine.step(
      { ...input, now: this.now } as Input<number>,
    );
    const after = JSON.stringify(machine.slots.table.counts);
    if (effects.length > 0 || before !== after) {
      throw new Error(`A stale ${input.kind} was taken: ${before}, ${after}`);
    }
    oracle.compare(machine);
    oracle.mark(`a stale ${input.kind}`);
  }

  resize(): void {
    const max = 1 + this.random.below(3);
    const min = this.random.below(Math.min(max, 2) + 1);
    if (max < this.oracle.in("leased").length) this.oracle.mark("max < leased");
    this.step({ kind: "resize", min, max });
  }

  close(): void {
    const forceAt = this.now + this.random.pick([0, 20, 60]);
    const endAt = forceAt + this.random.pick([0, 10, 40]);
    this.step({ kind: "close", forceAt, endAt });
    if (this.random.chance(0.3)) {
      const later = forceAt + this.random.pick([-10, 10, 100]);
      this.step({ kind: "close", forceAt: later, endAt: later + 10 });
    }
  }
}
