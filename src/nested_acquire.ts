/**
 * Who waits for a connection while holding another.
 *
 * @module
 */

import type { CallSite } from "./call_site.ts";
import type { HeldLease } from "./shell/caller_context.ts";
import type { Member } from "./shell/member.ts";

/** A lease whose holder waits for another connection of the same pool. */
export interface NestedHolder {
  /** The server process of its connection. */
  readonly pid: number;
  /** Where it was acquired, when the pool has a `leakWarningMs` or `debug`. */
  readonly acquiredAt: string | undefined;
  /** Where its holder waits; not known of a query, which is run later. */
  readonly waitingAt: string | undefined;
}

/** How many leases there are, and which of them are held by callers that wait. */
export interface NestedAcquire {
  /** The leases of the pool. */
  readonly leases: number;
  /** Those whose holder waits itself. */
  readonly holders: readonly NestedHolder[];
}

/** One caller that waits, and what it holds meanwhile. */
export interface NestedWaiter {
  readonly held: readonly HeldLease[];
  /** Where it was asked for; not known of a query, which is run later. */
  readonly site: CallSite | undefined;
}

/** What there is to tell of leases and of those who wait; `undefined`: nothing. */
export function drawNested(
  leased: Iterable<Member>,
  waiters: Iterable<NestedWaiter>,
): NestedAcquire | undefined {
  const all = [...leased];
  const waiting = all.filter(hasNestedWaiter);
  if (waiting.length === 0) return undefined;
  const known = [...waiters];
  const holders = waiting.map((member) => describeHolder(member, known));
  return Object.freeze({ leases: all.length, holders: Object.freeze(holders) });
}

/** Whether somebody waits for another connection where its lease is held. */
export function hasNestedWaiter({ held }: Member): boolean {
  return held !== undefined && held.nestedWaiters > 0;
}

function describeHolder(
  member: Member,
  waiters: readonly NestedWaiter[],
): NestedHolder {
  const { connection: { pid }, acquiredAt } = member;
  const waiter = waiters.find(({ held }) => held.includes(member.held!));
  return Object.freeze({
    pid,
    acquiredAt: acquiredAt?.toString(),
    waitingAt: waiter?.site?.toString(),
  });
}
