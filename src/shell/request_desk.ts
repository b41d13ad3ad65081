/**
 * How somebody comes to ask for a connection, and what comes of it.
 *
 * @module
 */

import { CallSite, placeErrorAt, withoutFrames } from "../call_site.ts";
import type { Effect } from "../core/effect.ts";
import type { Member } from "./member.ts";
import { NestingWatch } from "./nesting_watch.ts";
import { SleepWatch } from "./sleep_watch.ts";
import type { WaiterKind } from "../core/wait_queue.ts";
import {
  AcquireTimeoutError,
  ConnectError,
  PoolClosedError,
  PoolOverloadedError,
} from "../pool_errors.ts";
import type { PoolShell } from "./pool_shell.ts";
import { PromisedRequest, type Request } from "./request.ts";

type TurnAway = Extract<Effect<Member>, { kind: "turnAway" }>;

/**
 * Serves newcomers at once where it can, and lets the others wait. Waiting for the
 * pool to be warm is not counted as a request.
 */
export class RequestDesk {
  /** Which of those who wait hold what others wait for. */
  readonly nesting: NestingWatch;
  readonly #shell: PoolShell;
  readonly #sleepWatch: SleepWatch;

  constructor(shell: PoolShell) {
    this.#shell = shell;
    this.#sleepWatch = new SleepWatch(shell.clock);
    this.nesting = new NestingWatch(shell);
  }

  /** The time for whoever asks for a connection now: exact where he may wait, or something may be due. */
  arrival(): number {
    const { clock, machine } = this.#shell;
    // A recent time is as old as it likes where a test has stopped the date.
    if (machine.slots.idle.size === 0) return clock.now();
    const recent = clock.recent();
    const isExact = machine.nextDeadline <= recent + clock.lagMs;
    return isExact ? clock.now() : recent;
  }

  /** When he is turned away who came at `since`: never before his time is up. */
  deadline(since: number, timeoutMs: number): number {
    return timeoutMs > 0 ? since + this.#shell.clock.lagMs + timeoutMs : since;
  }

  /** Lends a connection that is idle and ready, if nobody waits for one. */
  lendReady(now: number): Member | undefined {
    const member = this.#takeReady("lease", now);
    if (member === undefined) return undefined;
    this.#shell.counters.requests++;
    this.#lend(member, 0, now);
    this.#shell.events.flush();
    return member;
  }

  /** Lets a request have a connection at once, or wait for one. */
  admit(request: Request): void {
    const now = request.since;
    const member = this.#takeReady(request.kind, now);
    if (member === undefined) return this.queue(request);
    this.#count(request);
    this.#shell.machine.waiters.number(request);
    this.grant(request, member, now);
    this.#shell.events.flush();
  }

  /** Lets a request wait for which nothing is ready. */
  queue(request: Request): void {
    const now = request.since;
    this.#count(request);
    this.#shell.feed({ kind: "acquire", now, waiter: request });
    if (request.state === "queued") this.nesting.begin(request, now);
  }

  /** Lets a request wait again, whose connection died before it was sent. */
  queueAgain(request: Request): void {
    const now = this.#shell.now();
    const isResent = true;
    this.#wake(now);
    this.#shell.feed({ kind: "acquire", now, waiter: request, isResent });
  }

  /** The caller of a request has gone. */
  abort(request: Request): void {
    const now = this.#shell.now();
    // The core hears of a deadline first: then it is turned away, and counted so.
    if (request.deadline > now) {
      request.hasLeft = true;
      if (request.kind !== "ready") this.#shell.counters.acquireAborts++;
      this.nesting.end(request);
    }
    this.#shell.feed({ kind: "abort", now, waiter: request });
  }

  /** Gives a request a connection, or a place on one. */
  grant(request: Request, member: Member, now: number): void {
    const waitedMs = now - request.since;
    this.nesting.end(request);
    if (request.isTentative) this.#shell.counters.requests++;
    if (request.kind === "lease") this.#lend(member, waitedMs, now);
    else this.#share(waitedMs);
    request.onGranted(member);
  }

  #takeReady(kind: WaiterKind, now: number): Member | undefined {
    this.#wake(now);
    return this.#shell.machine.turnstile.takeReady(kind, now)?.connection;
  }

  /** After a sleep, what is idle is to be validated before anybody has it. */
  #wake(now: number): void {
    if (this.#shell.machine.slots.idle.size === 0) return;
    if (this.#sleepWatch.hasSlept(now)) this.#shell.feed({ kind: "leap", now });
  }

  #count({ kind, isTentative }: Request): void {
    if (kind !== "ready" && !isTentative) this.#shell.counters.requests++;
  }

  /** Gives somebody who waited so long a connection of his own. */
  #lend(member: Member, waitedMs: number, now: number): void {
    const { counters, events, leaks } = this.#shell;
    counters.wait.record(waitedMs);
    counters.acquires++;
    member.beginLease(now);
    leaks.begin(now);
    if (!events.has("acquire")) return;
    const { pid } = member.connection;
    events.push({ type: "acquire", pid, waitedMs });
  }

  #share(waitedMs: number): void {
    const { counters } = this.#shell;
    counters.wait.record(waitedMs);
    counters.queries++;
  }

  /** Gives a request its error. */
  turnAway(effect: TurnAway, now: number): void {
    const request = effect.waiter as Request;
    // Whose wait is found too long in the very turn in which he leaves.
    if (request.hasLeft || request.isTentative) return;
    if (request.kind !== "ready") this.#countRefusal(effect);
    const error = this.#refusal(effect, request, now);
    this.nesting.end(request);
    this.#shell.events.push({ type: "acquireerror", error });
    request.onRefused(error);
  }

  #countRefusal({ refusal }: TurnAway): void {
    const { counters } = this.#shell;
    if (refusal === "timeout") counters.acquireTimeouts++;
    else if (refusal === "closed") counters.acquireClosed++;
    else if (refusal === "overloaded") counters.acquireOverloads++;
    else counters.acquireFailures++;
  }

  /** An error of his own: it is placed where he called or awaits, unless it is what a hook threw. */
  #refusal(effect: TurnAway, request: Request, now: number): Error {
    const { refusal, error: cause } = effect;
    const isFailure = refusal === "failed" && cause instanceof Error;
    if (isFailure && !(cause instanceof ConnectError)) return cause;
    const make = () => this.#makeRefusal(effect, request, now);
    const error = withoutFrames(make);
    if (!(request instanceof PromisedRequest)) return error;
    // Who called us in this turn is in the frames.
    const isCalled = now === request.since;
    const site = request.site ?? (isCalled ? new CallSite() : undefined);
    if (site !== undefined) placeErrorAt(error, site);
    return error;
  }

  #makeRefusal(
    { refusal, error }: TurnAway,
    request: Request,
    now: number,
  ): Error {
    const { options } = this.#shell;
    if (refusal === "closed") return new PoolClosedError(options.name);
    if (refusal === "failed" && error instanceof ConnectError) {
      // It is made like a copy's options: it has their fields.
      return new ConnectError(error.kind, error.message, error);
    }
    const waitedMs = now - request.since;
    if (refusal === "overloaded") {
      // Who never waited was one too many; who did was shed.
      const limit = waitedMs > 0 ? undefined : options.maxWaiting;
      return new PoolOverloadedError(options.name, waitedMs, limit);
    }
    const stats = this.#shell.stats();
    const nested = this.nesting.picture();
    return new AcquireTimeoutError(waitedMs, stats, error, nested);
  }
}
