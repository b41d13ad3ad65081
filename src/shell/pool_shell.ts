/**
 * The core's hands: feeds it what happens, carries out what it asks for.
 *
 * @module
 */

import { Alarms } from "./alarms.ts";
import { CancelDesk } from "./cancel_desk.ts";
import { CloseDesk } from "./close_desk.ts";
import type { Clock } from "../clock/clock.ts";
import type { Input } from "../core/input.ts";
import { PoolMachine } from "../core/pool_machine.ts";
import type { Driver, Loss, Statement } from "../driver/connection.ts";
import { DialDesk } from "./dial_desk.ts";
import { EffectRunner } from "./effect_runner.ts";
import { LeakWatch } from "./leak_watch.ts";
import type { Member } from "./member.ts";
import { PoolEvents } from "../pool_events.ts";
import type { ResolvedPoolOptions } from "../pool_options.ts";
import { PoolCounters, type PoolStats } from "../pool_stats.ts";
import { QueryRouter } from "./query_router.ts";
import type { Request } from "./request.ts";
import { RequestDesk } from "./request_desk.ts";
import type { StatementMaker } from "../statement_maker.ts";
import { type HookRunner, Upkeep } from "./upkeep.ts";

/** What a pool is made of: the ports, and what they were told. */
export interface PoolParts {
  readonly options: ResolvedPoolOptions;
  readonly driver: Driver;
  readonly maker: StatementMaker;
  readonly clock: Clock;
  /** Who is told, if somebody was to know them sooner. */
  readonly events?: PoolEvents;
}

// The part of a close that is kept for cancelling what is still in use.
const FORCED_SHARE = 1 / 4;
const MAX_FORCED_MS = 500;

// A ping takes one round trip: what does not answer in this time is not there.
const PING_TIMEOUT_MS = 1_000;

/** One pool behind its surface. */
export class PoolShell {
  readonly options: ResolvedPoolOptions;
  readonly driver: Driver;
  readonly maker: StatementMaker;
  readonly clock: Clock;
  readonly machine: PoolMachine<Member>;
  readonly counters = new PoolCounters();
  readonly events: PoolEvents;
  readonly alarms: Alarms;
  readonly requests: RequestDesk;
  readonly dials = new DialDesk(this);
  readonly cancels = new CancelDesk(this);
  readonly closes = new CloseDesk(this);
  readonly leaks: LeakWatch;
  readonly queries = new QueryRouter(this);
  readonly upkeep: Upkeep;
  readonly #effects = new EffectRunner(this);
  #onDrained: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    { options, driver, maker, clock, events = new PoolEvents() }: PoolParts,
    runHook: HookRunner,
  ) {
    this.options = options;
    this.driver = driver;
    this.maker = maker;
    this.clock = clock;
    this.events = events;
    const { onAcquire, connectTimeoutMs } = options;
    this.machine = new PoolMachine({
      ...options,
      dialAttempts: driver.attempts,
      pingTimeoutMs: Math.min(PING_TIMEOUT_MS, connectTimeoutMs),
      hookTimeoutMs: connectTimeoutMs,
      hasAcquireHook: onAcquire !== undefined,
    });
    this.alarms = new Alarms(clock, () => this.#tick());
    this.requests = new RequestDesk(this);
    this.leaks = new LeakWatch(this);
    this.upkeep = new Upkeep(this, runHook);
  }

  /** Milliseconds on the pool's clock. */
  now(): number {
    return this.clock.now();
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

  /** Takes one input to the core and carries out what it decides. */
  feed(input: Input<Member>): void {
    for (const effect of this.machine.step(input)) {
      this.#effects.carryOut(effect, input.now);
    }
    this.#schedule();
    this.events.flush();
  }

  /** Sees to it that the timer rings when something is due. */
  #schedule(): void {
    const { waiters, state, nextDeadline } = this.machine;
    this.alarms.ringBy(nextDeadline);
    this.alarms.hold(
      waiters.queue.length > 0 || waiters.readiness.length > 0 ||
        state.phase === "draining",
    );
  }

  /** Begins to close; resolves once nothing is held any more. */
  close(timeoutMs: number, isForced: boolean): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.#onDrained = resolve);
    const now = this.now();
    const endAt = now + timeoutMs;
    const forcedMs = Math.min(timeoutMs * FORCED_SHARE, MAX_FORCED_MS);
    const forceAt = isForced ? now : endAt - forcedMs;
    this.feed({ kind: "close", now, forceAt, endAt });
    return this.#closing;
  }

  /** The pool is closed and holds nothing any more. */
  drained(): void {
    this.leaks.stop();
    // What was detached keeps its alarms.
    this.alarms.rest();
    this.events.push({ type: "closed" });
    this.#onDrained?.();
  }

  /** Hears from now on what becomes of the connection of a member. */
  listenTo(member: Member): void {
    const { connection } = member;
    const { onnotice } = this.options.driver;
    connection.listener = {
      onFinished: () => this.#onFinished(member),
      onLost: (loss, unfinished) => this.#onLost(member, loss, unfinished),
      onNotice: (notice) =>
        this.events.tellNotice(connection.pid, notice, onnotice),
    };
  }

  #onFinished(member: Member): void {
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
    const now = this.now();
    if (fate === "keep" && this.machine.turnstile.finish(slot, count, now)) {
      return this.alarms.ringBy(this.machine.nextDeadline);
    }
    this.feed({ kind: "finished", now, slot, count, fate });
  }

  #onLost(member: Member, loss: Loss, unfinished: readonly Statement[]): void {
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
    member.holder?.onLost();
    member.leaveHook?.();
    if (isOpen) this.#lose(member);
    this.queries.settle(member, loss, unfinished);
  }

  #lose(member: Member): void {
    const { slot } = member;
    const fault = slot.isInHook
      ? { error: member.lostError(), random: this.clock.random() }
      : undefined;
    this.feed({ kind: "lost", now: this.now(), slot, fault });
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
    if (fate === "keep" && this.#keep(member, now)) {
      return void this.events.flush();
    }
    const returned = fate === "reset" ? member.returned() : undefined;
    this.feed({ kind: "release", now, slot, fate });
    return returned;
  }

  /** Lends a connection again, or makes it idle; `false`: its release must be fed. */
  #keep(member: Member, now: number): boolean {
    const { turnstile } = this.machine;
    const waiter = turnstile.passOn(member.slot, now);
    if (waiter !== undefined) {
      this.requests.grant(waiter as Request, member, now);
      this.#schedule();
      return true;
    }
    if (!turnstile.keep(member.slot, now)) return false;
    this.alarms.ringBy(this.machine.nextDeadline);
    return true;
  }

  #tick(): void {
    const now = this.now();
    this.feed({ kind: "tick", now });
    this.alarms.ring(now);
  }
}
