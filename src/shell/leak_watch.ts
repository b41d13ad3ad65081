/**
 * Leases that were forgotten.
 *
 * @module
 */

import type { Alarm } from "./alarms.ts";
import type { Member } from "./member.ts";
import type { PoolShell } from "./pool_shell.ts";

// For so long the pool keeps a lease reachable. Watching whether a lease is
// collected costs more than most of them last.
const LOOSEN_AFTER_MS = 1_000;

/** Which lease of a member was collected. */
interface Collected {
  readonly member: Member;
  readonly lease: number;
}

/**
 * Names leases that are held for long, and takes back those that can no longer
 * be released because nothing refers to them any more.
 *
 * It looks at all connections at once, now and then: an acquire costs nothing.
 */
export class LeakWatch {
  /** Whether it is noted where leases are acquired and released. */
  readonly recordsSites: boolean;
  readonly #shell: PoolShell;
  readonly #registry: FinalizationRegistry<Collected> | undefined;
  #alarm: Alarm | undefined;

  constructor(shell: PoolShell) {
    this.#shell = shell;
    const { leakWarningMs, driver } = shell.options;
    this.recordsSites = leakWarningMs !== Infinity || Boolean(driver.debug);
    // Workers of an older compatibility date have none.
    if (typeof FinalizationRegistry === "undefined") return;
    this.#registry = new FinalizationRegistry((collected) => {
      this.#reclaim(collected);
    });
  }

  /** A lease began: sees to it that it is looked at. */
  begin(now: number): void {
    if (this.#alarm !== undefined) return;
    const { leakWarningMs } = this.#shell.options;
    const inMs = Math.min(LOOSEN_AFTER_MS, leakWarningMs);
    this.#alarm = this.#shell.alarms.add(now + inMs, () => this.#look());
  }

  /** The pool is closed: there is nothing to look at any more. */
  stop(): void {
    this.#shell.alarms.drop(this.#alarm);
    this.#alarm = undefined;
  }

  #look(): void {
    const now = this.#shell.now();
    let nextAt = Infinity;
    for (const slot of this.#shell.machine.slots.table) {
      const member = slot.connection;
      if (slot.state !== "leased" || member === undefined) continue;
      nextAt = Math.min(nextAt, this.#lookAt(member, now));
    }
    this.#alarm = this.#shell.alarms.add(nextAt, () => this.#look());
  }

  /** Looks at one lease; answers when to look again. */
  #lookAt(member: Member, now: number): number {
    const { leakWarningMs } = this.#shell.options;
    const warnAt = member.leasedAt + leakWarningMs;
    if (warnAt <= now && !member.isWarnedOf) this.#warn(member, now);
    const loosenAt = member.leasedAt + LOOSEN_AFTER_MS;
    if (loosenAt <= now && !member.isHeldLoosely) this.#loosen(member);
    // What is past was done as far as it can be: a one-shot has no lease to let go.
    const next = Math.min(
      warnAt > now ? warnAt : Infinity,
      loosenAt > now ? loosenAt : Infinity,
    );
    // Another lease may begin at any time and be looked at no later than this.
    return Math.min(next, now + Math.min(LOOSEN_AFTER_MS, leakWarningMs));
  }

  #warn(member: Member, now: number): void {
    member.isWarnedOf = true;
    this.#shell.events.push({
      type: "leakwarning",
      pid: member.connection.pid,
      heldMs: now - member.leasedAt,
      acquiredAt: member.acquiredAt?.toString(),
    });
    this.#shell.events.flush();
  }

  #loosen(member: Member): void {
    const holder = member.loosenHolder();
    if (holder === undefined) return;
    const collected = { member, lease: member.slot.uses };
    this.#registry?.register(holder, collected);
  }

  #reclaim({ member, lease }: Collected): void {
    const { uses, state } = member.slot;
    if (uses !== lease || state !== "leased") return;
    this.#shell.counters.leaks++;
    this.#shell.events.push({
      type: "leak",
      pid: member.connection.pid,
      heldMs: this.#shell.now() - member.leasedAt,
      acquiredAt: member.acquiredAt?.toString(),
    });
    void this.#shell.end(member, false);
  }
}
