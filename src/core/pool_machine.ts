/**
 * The pool's core: every decision, and nothing else.
 *
 * Pure and synchronous: no I/O, promise, clock, timer or randomness. Time and
 * chance come in with the input; what is to be done goes out as effects. So
 * every interleaving is an order of inputs, and can be simulated.
 *
 * @module
 */

import { Backoff } from "./backoff.ts";
import { Drain } from "./drain.ts";
import type { Effect } from "./effect.ts";
import type { Input } from "./input.ts";
import type { Limits } from "./limits.ts";
import { PoolState } from "./pool_state.ts";
import type { Slot } from "./slot.ts";
import { SlotKeeper } from "./slot_keeper.ts";
import { SlotPicker } from "./slot_picker.ts";
import { Supply } from "./supply.ts";
import { Turnstile } from "./turnstile.ts";
import type { Waiter } from "./wait_queue.ts";
import { WaitingRoom } from "./waiting_room.ts";

type InputOf<C, K extends Input<C>["kind"]> = Extract<Input<C>, { kind: K }>;

/**
 * Decides. Feed it every {@linkcode Input}, first a `tick` that lets it dial up
 * to `min`; carry out every {@linkcode Effect}, in order.
 */
export class PoolMachine<C> {
  /** Limits, phase and the next deadline. */
  readonly state: PoolState<C>;
  /** The connections. */
  readonly slots: SlotKeeper<C>;
  /** The waiters. */
  readonly waiters: WaitingRoom<C>;
  /** Whether the pool may dial. */
  readonly backoff = new Backoff();
  /** Who is served next; some of it without an input. */
  readonly turnstile: Turnstile<C>;
  readonly #drain: Drain<C>;
  readonly #supply: Supply<C>;

  constructor(limits: Limits) {
    this.state = new PoolState(limits);
    this.slots = new SlotKeeper(this.state);
    this.waiters = new WaitingRoom(this.state);
    this.#drain = new Drain(this.state, this.slots);
    const { state, slots, waiters, backoff } = this;
    const picker = new SlotPicker(state, slots, waiters, backoff);
    this.turnstile = new Turnstile(state, slots, waiters, picker);
    this.#supply = new Supply(state, slots, waiters, picker, backoff);
  }

  /** When the next `tick` is due; `Infinity`: never. */
  get nextDeadline(): number {
    return this.state.nextDeadline;
  }

  /** Takes one input; answers what is to be done, in order. */
  step(input: Input<C>): readonly Effect<C>[] {
    // Who waits is served after the input was heard: it may be about the very
    // connection that a deadline would free for the next.
    const isDue = this.state.isDue(input.now);
    if (isDue) this.#expire(input.now);
    this.#take(input);
    if (isDue) this.#settle(input.now);
    this.state.nextDeadline = this.#findDeadline(input.now);
    return this.state.takeEffects();
  }

  #findDeadline(now: number): number {
    return Math.min(
      this.waiters.deadlines.next,
      this.slots.nextDeadline,
      this.turnstile.nextDeadline,
      this.#drain.nextDeadline,
      this.#isWanting ? this.backoff.next(now) : Infinity,
    );
  }

  /** Whether there is something that the backoff may hold back: a dial, or a hook. */
  get #isWanting(): boolean {
    const { phase, min } = this.state;
    if (phase !== "open") return false;
    return !this.waiters.isEmpty || this.slots.table.live < min;
  }

  #take(input: Input<C>): void {
    switch (input.kind) {
      case "acquire":
        return this.#acquire(input);
      case "abort":
        return this.#abort(input);
      case "release":
        return this.#release(input);
      case "finished":
        return this.#finished(input);
      case "dialled":
        return this.#dialled(input);
      case "dialFailed":
        return this.#dialFailed(input);
      case "answered":
        return this.slots.answered(input.slot, input.now);
      case "prepared":
        return this.#prepared(input);
      case "wasReset":
        return this.#wasReset(input);
      case "isolate":
        return this.slots.isolate(input.slot);
      case "lost":
        return this.#lose(input);
      case "detach":
        return this.#remove(input.slot, input.now);
      default:
        return this.#govern(input);
    }
  }

  /** Inputs about the pool as a whole. */
  #govern(
    input: InputOf<
      C,
      "tick" | "leap" | "resize" | "refresh" | "pause" | "resume" | "close"
    >,
  ): void {
    const { now } = input;
    if (input.kind === "leap") this.state.leaptAt = now;
    else if (input.kind === "resize") this.#resize(input);
    else if (input.kind === "refresh") this.#refresh(now);
    else if (input.kind === "pause") this.state.isPaused = true;
    else if (input.kind === "resume") this.state.isPaused = false;
    else if (input.kind === "close") this.#close(input);
    this.#settle(now);
  }

  /** Pairs waiters with connections, and opens more where that is not enough. */
  #settle(now: number): void {
    if (this.state.phase !== "open") return this.#drain.proceed(now);
    if (this.#isHopeless(now)) {
      this.waiters.refuseAll("failed", this.backoff.error);
    }
    this.turnstile.serve(now);
    if (this.waiters.readiness.length > 0) this.#announce();
    // What that fills up may be shared now.
    if (this.#supply.openMore(now)) this.turnstile.serve(now);
  }

  /** Tells those who wait for a warm pool, once it is. */
  #announce(): void {
    const isWarm = this.slots.table.open >= Math.max(1, this.state.min);
    if (isWarm) this.waiters.announce();
  }

  /** Whether nothing that is open could serve, and the next dial would fail too. */
  #isHopeless(now: number): boolean {
    return this.backoff.isHopeless(now) && this.slots.table.open === 0;
  }

  #acquire({ waiter, isResent = false, now }: InputOf<C, "acquire">): void {
    const { phase } = this.state;
    if (phase !== "open") return this.waiters.refuse(waiter, "closed", null);
    if (this.#isHopeless(now)) {
      return this.waiters.refuse(waiter, "failed", this.backoff.error);
    }
    if (waiter.deadline <= now && waiter.kind !== "ready") {
      if (!this.turnstile.grantAtOnce(waiter, now)) this.#timeOut(waiter);
      return this.#settle(now);
    }
    if (!isResent) this.waiters.number(waiter);
    this.waiters.admit(waiter, isResent);
    this.#settle(now);
    if (waiter.state !== "queued") return;
    const { onTheirWay } = this.slots.table;
    if (waiter.deadline <= now) this.#timeOut(waiter);
    else if (!isResent && this.waiters.isOverfull(waiter, onTheirWay)) {
      this.waiters.refuse(waiter, "overloaded", undefined);
    } else this.waiters.deadlines.add(waiter);
  }

  #timeOut(waiter: Waiter): void {
    this.waiters.refuse(waiter, "timeout", this.backoff.error);
  }

  #abort({ waiter, now }: InputOf<C, "abort">): void {
    if (waiter.state !== "queued") return;
    this.waiters.dismiss(waiter, "gone");
    this.#settle(now);
  }

  #dialled({ slot, connection, random, now }: InputOf<C, "dialled">): void {
    if (this.#supply.land(slot, connection, random, now)) this.#settle(now);
  }

  #dialFailed(input: InputOf<C, "dialFailed">): void {
    if (this.#supply.fail(input)) this.#settle(input.now);
  }

  #prepared(input: InputOf<C, "prepared">): void {
    const { slot, isOk, isTouched = false, fault, now } = input;
    // Even if it took too long, and its connection is being closed.
    if (fault !== undefined) this.#supply.relapse(slot, fault, now);
    if (slot.state !== "preparing") return;
    if (isOk) this.#offer(slot, isTouched, now);
    else this.slots.retire(slot, "validation", now);
    this.#settle(now);
  }

  /** Lets those have a connection for whom it was prepared; if none does, that was in vain. */
  #offer(slot: Slot<C>, isTouched: boolean, now: number): void {
    this.#supply.confirm(slot);
    slot.heardAt = now;
    this.slots.park(slot, now);
    slot.isPrepared = true;
    this.turnstile.serve(now);
    slot.isPrepared = false;
    if (!isTouched || slot.state !== "idle") return;
    this.slots.takeBack(slot, "reset", now);
  }

  #release({ slot, fate, now }: InputOf<C, "release">): void {
    if (slot.state !== "leased") return;
    this.slots.takeBack(slot, fate, now);
    this.#settle(now);
  }

  #wasReset({ slot, isOk, now }: InputOf<C, "wasReset">): void {
    if (slot.state !== "releasing") return;
    if (isOk) this.slots.takeBack(slot, "keep", now);
    else this.slots.retire(slot, "reset", now);
    this.#settle(now);
  }

  #finished({ slot, count, fate, now }: InputOf<C, "finished">): void {
    if (slot.state !== "shared") return;
    this.slots.finish(slot, count, fate, now);
    this.#settle(now);
  }

  #lose({ slot, fault, now }: InputOf<C, "lost">): void {
    if (fault !== undefined) this.#supply.relapse(slot, fault, now);
    this.#remove(slot, now);
  }

  #remove(slot: Slot<C>, now: number): void {
    if (slot.state === "closed") return;
    this.slots.forget(slot);
    this.#settle(now);
  }

  /** Everything whose time has come. */
  #expire(now: number): void {
    for (;;) {
      const waiter = this.waiters.deadlines.takeDue(now);
      if (waiter === undefined) break;
      this.#timeOut(waiter);
    }
    this.slots.expire(now);
    this.turnstile.expire(now);
  }

  #resize({ min, max, now }: InputOf<C, "resize">): void {
    this.state.min = min;
    this.state.max = max;
    this.slots.shrink(now);
  }

  #refresh(now: number): void {
    this.state.generation++;
    this.slots.retireOlder(now);
  }

  #close({ forceAt, endAt }: InputOf<C, "close">): void {
    if (this.state.phase === "closed") return;
    this.#drain.begin(forceAt, endAt);
    this.waiters.refuseAll("closed", null);
  }
}
