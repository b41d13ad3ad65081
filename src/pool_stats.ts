/**
 * What a pool counts.
 *
 * @module
 */

import type { CloseReason } from "./core/effect.ts";
import type { SlotCounts } from "./core/slot_table.ts";

/**
 * How long something took, over the life of the pool, in milliseconds. What is
 * had at once is timed to the millisecond.
 */
export interface DurationStats {
  /** How often. */
  readonly count: number;
  /** All together. */
  readonly sumMs: number;
  /** The longest. */
  readonly maxMs: number;
  /** Half took no longer, within 9 % or a millisecond. */
  readonly p50Ms: number;
  /** Nine in ten took no longer, within 9 % or a millisecond. */
  readonly p90Ms: number;
  /** 99 in a hundred took no longer, within 9 % or a millisecond. */
  readonly p99Ms: number;
}

/** How many connections the pool closed, by why. */
export type ClosedStats = Readonly<Record<CloseReason, number>>;

/** One consistent picture of a pool; counters run since it was made. */
export interface PoolStats {
  /** The pool's name. */
  readonly name: string;
  /** Most connections. */
  readonly max: number;
  /** Kept open. */
  readonly min: number;
  /** The sum of the five states below. */
  readonly total: number;
  /** Open and unused; those being validated too. */
  readonly idle: number;
  /** In the hands of one caller; those being reset too. */
  readonly leased: number;
  /** Running one-shots. */
  readonly shared: number;
  /** Being opened. */
  readonly connecting: number;
  /** Being closed: they count until they are. */
  readonly closing: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** Whether `pause()` holds all grants back. */
  readonly isPaused: boolean;

  /**
   * Asked for a connection: the sum of `acquires`, `queries`, `acquireTimeouts`,
   * `acquireAborts`, `acquireClosed`, `acquireOverloads`, `acquireFailures` and
   * `waiting`.
   */
  readonly requests: number;
  /** Leases that were granted. */
  readonly acquires: number;
  /** One-shots that were given a place on a connection. */
  readonly queries: number;
  /** Turned away because their time was up. */
  readonly acquireTimeouts: number;
  /** Gave up. */
  readonly acquireAborts: number;
  /** Turned away because the pool closed. */
  readonly acquireClosed: number;
  /** Turned away to keep the queue short. */
  readonly acquireOverloads: number;
  /** Turned away because no connection could be opened. */
  readonly acquireFailures: number;
  /** Connections that were opened. */
  readonly opened: number;
  /** Dials that failed. */
  readonly openErrors: number;
  /** Connections that died without our doing. */
  readonly lost: number;
  /** Connections that the pool closed, by why. */
  readonly closed: ClosedStats;
  /** One-shots that lost their connection unsent and ran on another. */
  readonly resent: number;
  /** Leases that were collected without being released, and taken back. */
  readonly leaks: number;
  /** How long those waited who were served; who was turned away is not in it. */
  readonly wait: DurationStats;
  /** How long leases lasted. */
  readonly use: DurationStats;
  /** How long it took to open a connection. */
  readonly dial: DurationStats;
}

// Eight buckets for each doubling: a quantile is at most 9 % too high.
const BUCKETS_PER_DOUBLING = 8;
const BUCKETS = 40 * BUCKETS_PER_DOUBLING;

/** Durations in buckets that grow with them: constant in time and space. */
export class DurationHistogram {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  /** Counts one. */
  record(ms: number): void {
    this.#count++;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
    // In microseconds, so that the first buckets are short ones.
    const index = ms <= 0
      ? 0
      : Math.ceil(Math.log2(1 + 1_000 * ms) * BUCKETS_PER_DOUBLING);
    this.#buckets[Math.min(index, BUCKETS - 1)]!++;
  }

  /** What was counted. */
  snapshot(): DurationStats {
    return Object.freeze({
      count: this.#count,
      sumMs: this.#sumMs,
      maxMs: this.#maxMs,
      p50Ms: this.#quantile(0.5),
      p90Ms: this.#quantile(0.9),
      p99Ms: this.#quantile(0.99),
    });
  }

  #quantile(share: number): number {
    let left = Math.ceil(share * this.#count);
    for (let index = 0; index < BUCKETS && left > 0; index++) {
      left -= this.#buckets[index]!;
      if (left > 0) continue;
      const upperMs = (2 ** (index / BUCKETS_PER_DOUBLING) - 1) / 1_000;
      return Math.min(upperMs, this.#maxMs);
    }
    return 0;
  }
}

/** The counters of one pool. */
export class PoolCounters {
  requests = 0;
  acquires = 0;
  queries = 0;
  acquireTimeouts = 0;
  acquireAborts = 0;
  acquireClosed = 0;
  acquireOverloads = 0;
  acquireFailures = 0;
  opened = 0;
  openErrors = 0;
  lost = 0;
  resent = 0;
  leaks = 0;
  readonly closed: Record<CloseReason, number> = {
    idle: 0,
    expired: 0,
    maxUses: 0,
    refresh: 0,
    resize: 0,
    validation: 0,
    reset: 0,
    destroyed: 0,
    shutdown: 0,
  };
  readonly wait = new DurationHistogram();
  readonly use = new DurationHistogram();
  readonly dial = new DurationHistogram();

  /** All counters, beside what the core counts at this moment. */
  snapshot(gauges: PoolGauges): PoolStats {
    const { counts, waiting, isPaused, name, max, min } = gauges;
    const { wait, use, dial, closed, ...counters } = this;
    return Object.freeze({
      name,
      max,
      min,
      total: Object.values(counts).reduce((sum, count) => sum + count, 0),
      idle: counts.idle + counts.preparing,
      leased: counts.leased + counts.releasing,
      shared: counts.shared,
      connecting: counts.connecting,
      closing: counts.closing,
      waiting,
      isPaused,
      ...counters,
      closed: Object.freeze({ ...closed }),
      wait: wait.snapshot(),
      use: use.snapshot(),
      dial: dial.snapshot(),
    });
  }
}

/** What is so now, as against what was counted. */
interface PoolGauges {
  readonly name: string;
  readonly max: number;
  readonly min: number;
  readonly waiting: number;
  readonly isPaused: boolean;
  readonly counts: Readonly<SlotCounts>;
}
