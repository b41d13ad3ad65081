/**
 * The core's hands: feeds it what happens, carries out what it asks for.
 *
 * @module
 */

import { Alarms } from "./alarms.ts";
import { CancelDesk } from "./cancel_desk.ts";
import type { Clock } from "./clock/clock.ts";
import type { Effect } from "./core/effect.ts";
import type { Input } from "./core/input.ts";
import { PoolMachine } from "./core/pool_machine.ts";
import type { Slot } from "./core/slot.ts";
import type { WaiterKind } from "./core/wait_queue.ts";
import type { Driver, Loss, Statement } from "./driver/connection.ts";
import { DialDesk } from "./dial_desk.ts";
import { LeakWatch } from "./leak_watch.ts";
import type { Member, MemberOwner } from "./member.ts";
import { PoolEvents } from "./pool_events.ts";
import type { ResolvedPoolOptions } from "./pool_options.ts";
import { PoolCounters, type PoolStats } from "./pool_stats.ts";
import { PoolTimer } from "./pool_timer.ts";
import type { Request } from "./request.ts";
import { RequestDesk } from "./request_desk.ts";
import { SleepWatch } from "./sleep_watch.ts";
import type { StatementMaker } from "./statement_maker.ts";
import type { Upkeep } from "./upkeep.ts";

/** Runs again, or fails, what a lost connection left unfinished. */
export interface LossHandler {
  /** The connection of `member` died; its slot is gone. */
  settle(member: Member, loss: Loss, unfinished: readonly Statement[]): void;
}

/** What a pool is made of: the ports, and what they were told. */
export interface PoolParts {
  readonly options: ResolvedPoolOptions;
  readonly driver: Driver;
  readonly maker: StatementMaker;
  readonly clock: Clock;
}

// The part of a close that is kept for cancelling what is still in use.
const FORCED_SHARE = 1 / 4;
const MAX_FORCED_MS = 500;

// A ping takes one round trip: what does not answer in this time is not there.
const PING_TIMEOUT_MS = 1_000;

/** One pool behind its surface. */
export class PoolShell implements MemberOwner {
  readonly options: ResolvedPoolOptions;
  readonly driver: Driver;
  readonly maker: StatementMaker;
  readonly clock: Clock;
  readonly machine: PoolMachine<Member>;
  readonly counters = new PoolCounters();
  readonly events = new PoolEvents();
  readonly alarms = new Alarms();
  readonly requests: RequestDesk;
  readonly dials = new DialDesk(this);
  readonly cancels = new CancelDesk(this);
  readonly leaks: LeakWatch;
  /** Set by the composition; both need the shell themselves. */
  upkeep!: Upkeep;
  losses!: LossHandler;
  readonly #timer: PoolTimer;
  readonly #sleepWatch: SleepWatch;
  #onDrained: (() => void) | undefined;
  #drained: Promise<void> | undefined;

  constructor({ options, driver, maker, clock }: PoolParts) {
    this.options = options;
    this.driver = driver;
    this.maker = maker;
    this.clock = clock;
    const { onAcquire, connectTimeoutMs } = options;
    this.machine = new PoolMachine({
      ...options,
      dialAttempts: driver.attempts,
      prepareTimeoutMs: onAcquire === undefined
        ? Math.min(PING_TIMEOUT_MS, connectTimeoutMs)
        : connectTimeoutMs,
      hasAcquireHook: onAcquire !== undefined,
    });
    this.#timer = new PoolTimer(clock, () => this.#tick());
    this.#sleepWatch = new SleepWatch(clock);
    this.requests = new RequestDesk(this);
    this.leaks = new LeakWatch(this);
  }

  /** Milliseconds on the pool's clock. */
  now(): number {
    return this.clock.now();
  }

  /** The time for whoever asks for a connection now: exact where something may be due. */
  arrival(): number {
    const recent = this.clock.recent();
    const isExact = this.machine.nextDeadline <= recent + this.clock.lagMs;
    return isExact ? this.clock.now() : recent;
  }

  /** When he is turned away who came at `since`: never before his time is up. */
  deadline(since: number, timeoutMs: number): number {
    return timeoutMs > 0 ? since + this.clock.lagMs + timeoutMs : since;
  }

  /** One consistent picture. */
  stats(): PoolStats {
    const { state, slots, waiters } = this.machine;
    return this.counters.snapshot({
      name: this.options.name,
      max: state.max,
      min: state.min,
      waiting: waiters.queue.length,
      isPaused: state.isPaused,
      counts: slots.table.counts,
    });
  }

  /** Lends a connection that is idle and ready, if nobody waits for one. */
  lendReady(now: number): Member | undefined {
    const member = this.#takeReady("lease", now);
    if (member === undefined) return undefined;
    this.counters.requests++;
    this.requests.lend(member, 0, now);
    this.events.flush();
    return member;
  }

  /** Lets a request have a connection at once, or wait for one. */
  admit(request: Request): void {
    const now = request.since;
    const member = this.#takeReady(request.kind, now);
    if (member === undefined) return this.queue(request);
    this.requests.count(request);
    this.machine.waiters.number(request);
    this.requests.grant(request, member, now);
    this.schedule(now);
    this.events.flush();
  }

  /** Lets a request wait for which nothing is ready. */
  queue(request: Request): void {
    const now = request.since;
    this.requests.count(request);
    this.feed({ kind: "acquire", now, waiter: request, isResent: false });
    if (request.state === "queued") this.requests.nesting.begin(request, now);
  }

  /** Lets a request wait again, whose connection died before it was sent. */
  queueAgain(request: Request): void {
    const now = this.now();
    this.feed({ kind: "acquire", now, waiter: request, isResent: true });
  }

  #takeReady(kind: WaiterKind, now: number): Member | undefined {
    this.#wake(now);
    return this.machine.takeReady(kind, now)?.connection;
  }

  #wake(now: number): void {
    if (this.#sleepWatch.hasSlept(now)) this.feed({ kind: "leap", now });
  }

  /** The caller of a request has gone. */
  abort(request: Request): void {
    const now = this.now();
    // The core hears of a deadline first: then it is turned away, and counted so.
    if (request.deadline > now) this.requests.abort(request);
    this.feed({ kind: "abort", now, waiter: request });
  }

  /** Takes one input to the core and carries out what it decides. */
  feed(input: Input<Member>): void {
    for (const effect of this.machine.step(input)) {
      this.#carryOut(effect, input.now);
    }
    this.schedule(input.now);
    this.events.flush();
  }

  /** Sees to it that the timer rings when something is due. */
  schedule(now: number): void {
    const { waiters, state, nextDeadline } = this.machine;
    this.#timer.ringBy(Math.min(nextDeadline, this.alarms.next), now);
    this.#timer.hold(
      waiters.queue.length > 0 || waiters.readiness.length > 0 ||
        state.phase === "draining",
    );
  }

  /** Begins to close; resolves once nothing is held any more. */
  close(timeoutMs: number, isForced: boolean): Promise<void> {
    this.#drained ??= new Promise((resolve) => this.#onDrained = resolve);
    const now = this.now();
    const endAt = now + timeoutMs;
    const forcedMs = Math.min(timeoutMs * FORCED_SHARE, MAX_FORCED_MS);
    const forceAt = isForced ? now : endAt - forcedMs;
    this.feed({ kind: "close", now, forceAt, endAt });
    return this.#drained;
  }

  onFinished(member: Member): void {
    if (member.ended > 0) this.#finishShares(member);
    this.cancels.follow(member);
    const { connection, slot } = member;
    // The primary has moved: the others are where this one is.
    const isFirst = slot.generation === this.machine.state.generation;
    if (connection.isMisplaced && isFirst) {
      this.feed({ kind: "refresh", now: this.now() });
    }
  }

  #finishShares(member: Member): void {
    const { slot, ended: count } = member;
    member.ended = 0;
    const fate = this.upkeep.fateAfterOneShots(member);
    this.feed({ kind: "finished", now: this.now(), slot, count, fate });
  }

  onLost(member: Member, loss: Loss, unfinished: readonly Statement[]): void {
    const { slot, connection: { pid } } = member;
    // Until it is open, whoever opens it tells the core how that went.
    const isOpen = slot.connection === member;
    const isOurs = slot.state === "closing" || slot.state === "closed";
    this.cancels.forget(member);
    if (isOpen && !isOurs) {
      this.counters.lost++;
      this.events.push({ type: "lost", pid, ...loss });
    }
    member.endLease();
    member.holder?.onLost(loss);
    if (isOpen) this.feed({ kind: "lost", now: this.now(), slot });
    member.settleReturn();
    this.losses.settle(member, loss, unfinished);
  }

  onNotice(member: Member, notice: Record<string, string>): void {
    const { onnotice } = this.options.driver;
    this.events.tellNotice(member.connection.pid, notice, onnotice);
  }

  /** A lease of `member` has ended; resolves once the connection is put back. */
  end(member: Member, isDestroyed: boolean): Promise<void> | undefined {
    const { slot, connection } = member;
    const now = this.clock.recent();
    member.endLease();
    const heldMs = now - member.leasedAt;
    this.counters.use.record(heldMs);
    if (this.events.has("release")) {
      this.events.push({ type: "release", pid: connection.pid, heldMs });
    }
    // Otherwise it was lost, and there is nothing to put back.
    if (slot.state !== "leased") return void this.events.flush();
    const fate = isDestroyed ? "destroy" : this.upkeep.fateAfterLease(member);
    if (fate === "keep" && this.machine.putBack(slot, now)) {
      this.#timer.ringBy(this.machine.nextDeadline, now);
      return void this.events.flush();
    }
    const returned = fate === "reset" ? member.returned() : undefined;
    this.feed({ kind: "release", now, slot, fate });
    return returned;
  }

  #tick(): void {
    const now = this.now();
    this.feed({ kind: "tick", now });
    this.alarms.ring(now);
    this.schedule(now);
  }

  #carryOut(effect: Effect<Member>, now: number): void {
    switch (effect.kind) {
      case "grant":
        return this.requests.grant(
          effect.waiter as Request,
          effect.slot.connection!,
          now,
        );
      case "ready":
        return (effect.waiter as Request).onGranted(undefined as never);
      case "turnAway":
        return this.requests.turnAway(effect, now);
      case "dial":
        return void this.dials.begin(effect.slot);
      case "abandon":
        return this.dials.abandon(effect.slot, effect.isTimeout);
      case "prepare":
        return void this.#prepare(effect);
      case "reset":
        return void this.#reset(effect.slot);
      case "close":
        return this.#close(effect);
      case "destroy":
        this.dials.abandon(effect.slot, false);
        return effect.slot.connection?.connection.destroy();
      case "drained":
        this.leaks.stop();
        // What was detached keeps its alarms: they are set anew.
        this.#timer.stop();
        this.events.push({ type: "closed" });
        return this.#onDrained?.();
    }
  }

  async #prepare(
    { slot, ping, hook }: Extract<Effect<Member>, { kind: "prepare" }>,
  ): Promise<void> {
    await undefined;
    const isOk = await this.upkeep.prepare(slot.connection!, ping, hook);
    this.feed({ kind: "prepared", now: this.now(), slot, isOk });
  }

  async #reset(slot: Slot<Member>): Promise<void> {
    const member = slot.connection!;
    await undefined;
    const isOk = await this.upkeep.putBack(member);
    this.feed({ kind: "wasReset", now: this.now(), slot, isOk });
    member.settleReturn();
  }

  #close(
    { slot, reason }: Extract<Effect<Member>, { kind: "close" }>,
  ): void {
    const member = slot.connection!;
    this.counters.closed[reason]++;
    const { pid } = member.connection;
    this.events.push({ type: "close", pid, reason });
    member.settleReturn();
    void member.connection.close();
    this.cancels.insist(member);
  }
}
