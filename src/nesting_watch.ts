/**
 * Callers that wait for each other.
 *
 * @module
 */

import type { Alarm } from "./alarms.ts";
import { CallSite } from "./call_site.ts";
import { type CallerContext, callerContext, isHeld } from "./caller_context.ts";
import type { Member } from "./member.ts";
import {
  drawNested,
  type NestedAcquire,
  type NestedWaiter,
} from "./nested_acquire.ts";
import type { PoolShell } from "./pool_shell.ts";
import { PromisedRequest, type Request } from "./request.ts";

// For so long holders may wait for each other before they are named. What one
// of them started, and does not wait for, waits as well: it is served soon.
const CONFIRM_MS = 1_000;

/**
 * Names callers that wait for each other, and turns one away where it should.
 *
 * Only callers that have to wait cost anything here.
 */
export class NestingWatch {
  readonly #shell: PoolShell;
  readonly #context: CallerContext | undefined;
  /** Who waits while holding a lease, in order of arrival. */
  readonly #waiters = new Map<Request, NestedWaiter>();
  #alarm: Alarm | undefined;
  #isTold = false;
  #picture: NestedAcquire | undefined;

  constructor(shell: PoolShell, context = callerContext) {
    this.#shell = shell;
    const isOn = shell.options.nestedAcquire !== "ignore";
    this.#context = isOn ? context : undefined;
  }

  /** Notes that the current flow holds the lease of `member`. */
  hold(member: Member): void {
    this.#context?.hold(member);
  }

  /** A request has to wait; not one sent again, by whoever saw its connection die. */
  begin(request: Request, now: number): void {
    if (this.#context === undefined || request.kind === "ready") return;
    // A program that only runs queries on its pools has nothing to be followed.
    if (request.kind === "lease") this.#context.prepare();
    const held = this.#context.heldOf(this.#shell);
    if (held.length === 0) return;
    const wasStuck = this.#isStuck();
    const isCalled = request instanceof PromisedRequest;
    const site = isCalled ? new CallSite() : undefined;
    this.#waiters.set(request, { held, site });
    for (const { member } of held) member.nestedWaiters++;
    if (!wasStuck) this.#reset();
    if (!this.#isStuck()) return;
    const inMs = Math.min(CONFIRM_MS, (request.deadline - now) / 2);
    this.#lookAt(now + inMs);
  }

  /** A request waits no more, whatever for; any number of times. */
  end(request: Request): void {
    if (this.#waiters.size === 0) return;
    const waiter = this.#waiters.get(request);
    if (waiter === undefined) return;
    this.#waiters.delete(request);
    for (const holding of waiter.held) {
      // Its next lease is counted anew.
      if (isHeld(holding)) holding.member.nestedWaiters--;
    }
    if (!this.#isStuck()) this.#reset();
  }

  /**
   * Who waits while holding a lease; `undefined`: nobody. Those who are turned
   * away in one turn are told the same: each waited for all the others.
   */
  picture(): NestedAcquire | undefined {
    if (this.#picture === undefined && this.#waiters.size > 0) {
      this.#picture = drawNested(this.#leased(), this.#waiters.values());
      queueMicrotask(() => this.#picture = undefined);
    }
    return this.#picture;
  }

  *#leased(): Generator<Member> {
    for (const { state, connection } of this.#shell.machine.slots.table) {
      if (state === "leased") yield connection!;
    }
  }

  /** Whether nobody can release a connection before another does. */
  #isStuck(): boolean {
    const { slots, state } = this.#shell.machine;
    if (slots.table.counts.leased < state.max) return false;
    for (const { nestedWaiters } of this.#leased()) {
      if (nestedWaiters === 0) return false;
    }
    return true;
  }

  /** Whether a holder runs a statement: it does more than wait. */
  #isBusy(): boolean {
    for (const { connection } of this.#leased()) {
      if (connection.inFlight > 0 && !connection.isSuspended) return true;
    }
    return false;
  }

  /** Nobody waits for each other, as far as is known. */
  #reset(): void {
    this.#shell.alarms.drop(this.#alarm);
    this.#alarm = undefined;
    this.#isTold = false;
  }

  /** Sees to it that it is looked at, at `at` or before. */
  #lookAt(at: number): void {
    if (this.#alarm !== undefined && this.#alarm.at <= at) return;
    this.#shell.alarms.drop(this.#alarm);
    this.#alarm = this.#shell.alarms.set(at, () => this.#look());
    this.#shell.schedule(this.#shell.now());
  }

  #look(): void {
    this.#alarm = undefined;
    if (!this.#isStuck()) return;
    const now = this.#shell.now();
    if (!this.#isBusy()) {
      this.#tell();
      if (this.#shell.options.nestedAcquire !== "reject") return;
      this.#shell.requests.reject([...this.#waiters.keys()].at(-1)!, now);
    }
    if (this.#isStuck()) this.#lookAt(now + CONFIRM_MS);
  }

  #tell(): void {
    const picture = this.picture();
    if (this.#isTold || picture === undefined) return;
    this.#isTold = true;
    this.#shell.events.push({ type: "nestedacquire", ...picture });
    this.#shell.events.flush();
  }
}
