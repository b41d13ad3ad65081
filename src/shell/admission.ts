/**
 * How somebody comes to ask for a connection, and how he leaves.
 *
 * @module
 */

import type { WaiterKind } from "../core/wait_queue.ts";
import type { Member } from "./member.ts";
import type { PoolShell } from "./pool_shell.ts";
import type { Request } from "./request.ts";
import { SleepWatch } from "./sleep_watch.ts";

/** Serves newcomers at once where it can, and lets the others wait. */
export class Admission {
  readonly #shell: PoolShell;
  readonly #sleepWatch: SleepWatch;

  constructor(shell: PoolShell) {
    this.#shell = shell;
    this.#sleepWatch = new SleepWatch(shell.clock);
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
    const { counters, requests, events } = this.#shell;
    counters.requests++;
    requests.lend(member, 0, now);
    events.flush();
    return member;
  }

  /** Lets a request have a connection at once, or wait for one. */
  admit(request: Request): void {
    const now = request.since;
    const member = this.#takeReady(request.kind, now);
    if (member === undefined) return this.queue(request);
    const { requests, machine, events } = this.#shell;
    requests.count(request);
    machine.waiters.number(request);
    requests.grant(request, member, now);
    this.#shell.schedule(now);
    events.flush();
  }

  /** Lets a request wait for which nothing is ready. */
  queue(request: Request): void {
    const now = request.since;
    const { requests } = this.#shell;
    requests.count(request);
    this.#shell.feed({ kind: "acquire", now, waiter: request });
    if (request.state === "queued") requests.nesting.begin(request, now);
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
    if (request.deadline > now) this.#shell.requests.abort(request);
    this.#shell.feed({ kind: "abort", now, waiter: request });
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
}
