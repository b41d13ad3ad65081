/**
 * How requests are counted, granted and turned away.
 *
 * @module
 */

import type { Effect } from "../core/effect.ts";
import type { Member } from "./member.ts";
import { NestingWatch } from "./nesting_watch.ts";
import {
  AcquireTimeoutError,
  PoolClosedError,
  PoolOverloadedError,
} from "../pool_errors.ts";
import type { PoolShell } from "./pool_shell.ts";
import type { Request } from "./request.ts";

type TurnAway = Extract<Effect<Member>, { kind: "turnAway" }>;

/** Answers requests. Waiting for the pool to be warm is not counted as one. */
export class RequestDesk {
  /** Which of those who wait hold what others wait for. */
  readonly nesting: NestingWatch;
  readonly #shell: PoolShell;

  constructor(shell: PoolShell) {
    this.#shell = shell;
    this.nesting = new NestingWatch(shell);
  }

  /** Counts a request that comes. */
  count(request: Request): void {
    if (request.kind !== "ready") this.#shell.counters.requests++;
  }

  /** Counts a request that is given up. */
  abort(request: Request): void {
    if (request.kind !== "ready") this.#shell.counters.acquireAborts++;
    this.nesting.end(request);
  }

  /** Gives a request a connection, or a place on one. */
  grant(request: Request, member: Member, now: number): void {
    const waitedMs = now - request.since;
    this.nesting.end(request);
    if (request.kind === "lease") this.lend(member, waitedMs, now);
    else this.#share(waitedMs);
    request.onGranted(member);
  }

  /** Gives somebody who waited so long a connection of his own. */
  lend(member: Member, waitedMs: number, now: number): void {
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

  #refusal({ refusal, error }: TurnAway, request: Request, now: number): Error {
    const { options } = this.#shell;
    if (refusal === "closed") return new PoolClosedError(options.name);
    if (refusal === "failed" && error instanceof Error) return error;
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
