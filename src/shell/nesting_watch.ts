/**
 * Callers that wait for each other.
 *
 * @module
 */

import type { Alarm } from "./alarms.ts";
import { CallSite } from "../call_site.ts";
import { type CallerContext, callerContext } from "./caller_context.ts";
import type { Member } from "./member.ts";
import {
  drawNested,
  hasNestedWaiter,
  type NestedAcquire,
  type NestedWaiter,
} from "../nested_acquire.ts";
import type { PoolShell } from "./pool_shell.ts";
import { PromisedRequest, type Request } from "./request.ts";

// For so long holders may wait for each other before they are named. What one
// of them started, and does not wait for, waits as well: it is served soon.
const CONFIRM_MS = 1_000;

/**
 * Names callers that wait for each other. It turns nobody away: what a holder
 * started, and does not wait for, cannot be told from the holder.
 *
 * Only callers that have to wait cost anything here.
 */
export class NestingWatch {
  readonly #shell: PoolShell;
  readonly #context: CallerContext | undefined;
  // What a context keeps of this pool.
  readonly #key = {};
  /** Who waits while holding a lease, in order of arrival. */
  readonly #waiters = new Map<Request, NestedWaiter>();
  #alarm: Alarm | undefined;
  // When it may be told; `Infinity`: they are not known to wait for each other.
  #tellAt = Infinity;
  #isTold = false;
  #picture: NestedAcquire | undefined;

  constructor(shell: PoolShell, context = callerContext) {
    this.#shell = shell;
    const isOn = shell.options.nestedAcquire !== "ignore";
    this.#context = isOn ? context : undefined;
  }

  /** Notes that the current flow holds the lease of `member`. */
  hold(member: Member): void {
    if (this.#context === undefined || member.slot.state !== "leased") return;
    const pool = this.#key;
    member.held ??= { pool, hasEnded: false, nestedWaiters: 0 };
    this.#context.hold(member.held);
  }

  /** A request has to wait; not one sent again, by whoever saw its connection die. */
  begin(request: Request, now: number): void {
    if (this.#context === undefined || request.kind === "ready") return;
    // A program that only runs queries on its pools has nothing to be followed.
    if (request.kind === "lease") this.#context.prepare();
    const held = this.#context.heldOf(this.#key);
    if (held.length === 0) return;
    const isCalled = request instanceof PromisedRequest;
    const site = isCalled ? new CallSite() : undefined;
    this.#waiters.set(request, { held, site });
    for (const lease of held) lease.nestedWaiters++;
    const inMs = Math.min(CONFIRM_MS, (request.deadline - now) / 2);
    if (this.#isStuck()) this.#tellAt = Math.min(this.#tellAt, now + inMs);
    this.#lookAt(now + inMs);
  }

  /** A request waits no more, whatever for; any number of times. */
  end(request: Request): void {
    if (this.#waiters.size === 0) return;
    const waiter = this.#waiters.get(request);
    if (waiter === undefined) return;
    this.#waiters.delete(request);
    for (const lease of waiter.held) lease.nestedWaiters--;
    if (!this.#isStuck()) this.#reset();
    if (this.#waiters.size > 0) return;
    this.#shell.alarms.drop(this.#alarm);
    this.#alarm = undefined;
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
    return [...this.#leased()].every(hasNestedWaiter);
  }

  /** Whether a holder runs a statement: it does more than wait. */
  #isBusy(): boolean {
    return [...this.#leased()].some(({ connection }) =>
      connection.inFlight > 0
    );
  }

  /** Sees to it that it is looked at, at `at` or before. */
  #lookAt(at: number): void {
    if (this.#alarm !== undefined && this.#alarm.at <= at) return;
    this.#shell.alarms.drop(this.#alarm);
    this.#alarm = this.#shell.alarms.add(at, () => this.#look());
  }

  /** They do not wait for each other: if they do again, it is told anew. */
  #reset(): void {
    this.#tellAt = Infinity;
    this.#isTold = false;
  }

  /** Looks at those who wait, and again as long as there are such: they may get stuck. */
  #look(): void {
    this.#alarm = undefined;
    const now = this.#shell.now();
    if (!this.#isStuck()) this.#reset();
    else if (this.#tellAt === Infinity) this.#tellAt = now + CONFIRM_MS;
    else if (this.#tellAt <= now && !this.#isBusy()) this.#tell();
    const isDue = this.#tellAt <= now;
    this.#lookAt(Math.min(now + CONFIRM_MS, isDue ? Infinity : this.#tellAt));
  }

  #tell(): void {
    const picture = this.#isTold ? undefined : this.picture();
    if (picture === undefined) return;
    this.#isTold = true;
    this.#shell.events.push({ type: "nestedacquire", ...picture });
    this.#shell.events.flush();
  }
}
