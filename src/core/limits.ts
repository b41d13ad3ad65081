/**
 * The numbers a pool is held to.
 *
 * @module
 */

import type { OverloadLimits } from "./overload.ts";

/** What the core needs to know of the options; times in milliseconds. */
export interface Limits {
  /** Most connections, closing ones counted. */
  readonly max: number;
  /** Kept open. */
  readonly min: number;
  /** Most one-shots in flight on a shared connection. */
  readonly pipeline: number;
  /** How many addresses one dial may try, one after the other. */
  readonly dialAttempts: number;
  /** One attempt of a dial. */
  readonly connectTimeoutMs: number;
  /** Validation. */
  readonly pingTimeoutMs: number;
  /** `onAcquire`. */
  readonly hookTimeoutMs: number;
  /** Rollback, reset and `onRelease`. */
  readonly releaseTimeoutMs: number;
  /** The close of one connection. */
  readonly closeTimeoutMs: number;
  /** Idle longer is closed, above `min`. */
  readonly idleTimeoutMs: number;
  /** Never granted past this age. */
  readonly maxLifetimeMs: number;
  /** Leases before retirement. */
  readonly maxUses: number;
  /** Validated before a grant when silent for longer. */
  readonly validateAfterIdleMs: number;
  /** Most waiters; who would be one more is turned away. */
  readonly maxWaiting: number;
  /** When to turn waiters away because the queue has stood for too long. */
  readonly overload: OverloadLimits | undefined;
  /** Whether `onAcquire` is to run before each lease. */
  readonly hasAcquireHook: boolean;
}
