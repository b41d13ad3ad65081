/**
 * What can go wrong, as a closed family with stable codes.
 *
 * Messages start with a capital, name the action, then say what is so, with
 * numbers. None carries a password or a connection string.
 *
 * @module
 */

import { describeNested, errorCode, errorText } from "./error_text.ts";
import type { NestedAcquire } from "./nested_acquire.ts";
import type { PoolStats } from "./pool_stats.ts";

/** The codes of this family; each belongs to one class. */
export type PoolErrorCode =
  | "ACQUIRE_TIMEOUT"
  | "POOL_CLOSED"
  | "POOL_OVERLOADED"
  | "CONNECT_FAILED"
  | "CONNECTION_BUSY"
  | "CONNECTION_LOST"
  | "LEASE_RELEASED"
  | "QUERY_TIMEOUT"
  | "TRANSACTION_FINISHED";

/** The base of every error this package makes for a caller to catch. */
export abstract class PoolError extends Error {
  /** Stable across versions; tell errors apart by this. */
  abstract readonly code: PoolErrorCode;

  /** Has its name itself: that is how JSON shows it. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    const { name } = this;
    this.name = name;
  }
}

/** No connection was granted by the deadline. */
export class AcquireTimeoutError extends PoolError {
  /** Stable across versions. */
  override readonly code = "ACQUIRE_TIMEOUT";
  /** How long the caller waited, in milliseconds. */
  readonly waitedMs: number;
  /** The pool when the caller was turned away. */
  readonly stats: PoolStats;
  /** The leases held by callers that were waiting themselves, if any were. */
  readonly nested: NestedAcquire | undefined;

  /** `cause` is the last failed dial, when that is why. */
  constructor(
    waitedMs: number,
    stats: PoolStats,
    cause?: unknown,
    nested?: NestedAcquire,
  ) {
    const { leased, shared, connecting, idle, waiting, max, name } = stats;
    super(
      `Cannot acquire a connection from ${name} within ${
        Math.round(waitedMs)
      } ms: ${leased} leased, ${shared} shared, ${connecting} connecting, ` +
        `${idle} idle, ${waiting} waiting, max ${max}` +
        (stats.isPaused ? "; the pool is paused" : "") +
        (waitedMs === 0 ? "; a timeout of 0 takes only what is idle" : "") +
        describeNested(nested) +
        describeCause("last", cause),
      cause === undefined ? undefined : { cause },
    );
    this.waitedMs = waitedMs;
    this.stats = stats;
    this.nested = nested;
  }
}

function describeCause(which: "first" | "last", cause: unknown): string {
  return cause === undefined ? "" : `; ${which} failure: ${errorText(cause)}`;
}

/** The pool is closed or closing. */
export class PoolClosedError extends PoolError {
  /** Stable across versions. */
  override readonly code = "POOL_CLOSED";

  /** `name` is the pool's, `action` what was to be done. */
  constructor(name: string, action = "acquire a connection") {
    super(`Cannot ${action}: ${name} is closed`);
  }
}

/** The pool turned the caller away to keep the queue short. */
export class PoolOverloadedError extends PoolError {
  /** Stable across versions. */
  override readonly code = "POOL_OVERLOADED";
  /** The most callers that may wait, when that is why. */
  readonly limit: number | undefined;
  /** How long the caller had waited when it was shed, in milliseconds. */
  readonly waitedMs: number;

  /** `limit` is the most callers that may wait, when that is why. */
  constructor(name: string, waitedMs: number, limit?: number) {
    super(
      `Cannot acquire a connection: ${name} is overloaded, ` +
        (limit === undefined
          ? `the caller had waited ${Math.round(waitedMs)} ms`
          : `${limit} caller${limit === 1 ? " waits" : "s wait"} already`),
    );
    this.limit = limit;
    this.waitedMs = waitedMs;
  }
}

/** Why a dial failed. */
export type ConnectErrorKind =
  | "refused"
  | "dns"
  | "tls"
  | "auth"
  | "timeout"
  | "capacity"
  | "starting"
  | "protocol"
  | "permission";

const PERMANENT_KINDS: ReadonlySet<ConnectErrorKind> = new Set([
  "auth",
  "tls",
  "permission",
  "protocol",
]);

/** What a `ConnectError` carries beside its message. */
export interface ConnectErrorOptions extends ErrorOptions {
  /** The server's SQLSTATE, when it gave one. */
  readonly sqlState?: string | undefined;
}

/** A connection could not be opened. */
export class ConnectError extends PoolError {
  /** Stable across versions. */
  override readonly code = "CONNECT_FAILED";
  /** Why, as one of a few words. */
  readonly kind: ConnectErrorKind;
  /** The server's SQLSTATE, when it gave one. */
  readonly sqlState: string | undefined;

  /** `message` says what was tried and what came of it. */
  constructor(
    kind: ConnectErrorKind,
    message: string,
    options?: ConnectErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.sqlState = options?.sqlState;
  }

  /** Whether the next dial would meet the same, however long one waits. */
  get isPermanent(): boolean {
    if (this.kind !== "dns") return PERMANENT_KINDS.has(this.kind);
    // The name does not exist, as against: nobody could be asked.
    return errorCode(this.cause) === "ENOTFOUND";
  }
}

/**
 * Where a connection was when it was lost.
 *
 * `idle`: no statement of yours was under way; `query`: one was; `begin`,
 * `commit`, `rollback`: that one was, so the outcome of a `commit` is unknown.
 */
export type ConnectionLostPhase =
  | "idle"
  | "query"
  | "begin"
  | "commit"
  | "rollback";

/** What a `ConnectionLostError` carries beside its message. */
export interface ConnectionLostOptions extends ErrorOptions {
  /** Whether any byte of the statement was written. */
  readonly sent: boolean;
  /** What was under way. */
  readonly phase: ConnectionLostPhase;
  /** The server's parting SQLSTATE, when it gave one. */
  readonly sqlState?: string | undefined;
}

/** The connection died under a lease, a transaction or a query. */
export class ConnectionLostError extends PoolError {
  /** Stable across versions. */
  override readonly code = "CONNECTION_LOST";
  /** `false`: the statement surely never ran. `true`: it may have. */
  readonly sent: boolean;
  /** What was under way. */
  readonly phase: ConnectionLostPhase;
  /** The server's parting SQLSTATE, when it gave one. */
  readonly sqlState: string | undefined;

  /** Makes its message of what it carries. */
  constructor(options: ConnectionLostOptions) {
    const { sent, phase, sqlState, cause } = options;
    const why = sqlState ?? (cause === undefined ? "closed" : errorText(cause));
    super(
      `Cannot run on this connection: it was lost (${why}) during ${phase}, ` +
        (sent ? "the statement may have run" : "the statement was not sent"),
      cause === undefined ? undefined : { cause },
    );
    this.sent = sent;
    this.phase = phase;
    this.sqlState = sqlState;
  }
}

/** A connection was used for what another use of it excludes. */
export class ConnectionBusyError extends PoolError {
  /** Stable across versions. */
  override readonly code = "CONNECTION_BUSY";

  /** Says what could not be done, and why. */
  constructor(action: string, why: string) {
    super(`Cannot ${action}: ${why}`);
  }
}

/** A lease was used after its end. */
export class LeaseReleasedError extends PoolError {
  /** Stable across versions. */
  override readonly code = "LEASE_RELEASED";
  /** Where the lease was released, when the pool records stacks. */
  readonly releasedAt: string | undefined;

  /** `action` is what the lease was to do. */
  constructor(action: string, releasedAt?: string) {
    const frames = releasedAt === undefined ? "" : `\n${releasedAt}`;
    super(
      `Cannot ${action}: this lease was released` +
        frames.replaceAll("\n", "\n    "),
    );
    this.releasedAt = releasedAt;
  }
}

/** A statement ran longer than it was allowed to. */
export class QueryTimeoutError extends PoolError {
  /** Stable across versions. */
  override readonly code = "QUERY_TIMEOUT";
  /** The time it was allowed, in milliseconds. */
  readonly timeoutMs: number;

  /** `timeoutMs` is the time the query was allowed. */
  constructor(timeoutMs: number) {
    super(`Cannot finish the query: it ran longer than ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** How a transaction ended. */
export type TransactionOutcome =
  | "committed"
  | "prepared"
  | "rolled back"
  | "unknown";

/** A transaction was used after its end, or could not be committed. */
export class TransactionFinishedError extends PoolError {
  /** Stable across versions. */
  override readonly code = "TRANSACTION_FINISHED";
  /** How it ended. */
  readonly outcome: TransactionOutcome;

  /** `action` is what the transaction was to do. */
  constructor(
    action: string,
    outcome: TransactionOutcome,
    options?: ErrorOptions,
  ) {
    const why = outcome === "unknown"
      ? "how the transaction ended is unknown"
      : `the transaction was ${outcome}`;
    const failure = describeCause("first", options?.cause);
    super(`Cannot ${action}: ${why}${failure}`, options);
    this.outcome = outcome;
  }
}

// Written out: in a bundle a class may have another name than it was given.
const CLASSES = {
  AcquireTimeoutError,
  PoolClosedError,
  PoolOverloadedError,
  ConnectError,
  ConnectionLostError,
  ConnectionBusyError,
  LeaseReleasedError,
  QueryTimeoutError,
  TransactionFinishedError,
};
for (const [value, { prototype }] of Object.entries(CLASSES)) {
  Object.defineProperty(prototype, "name", { value, writable: true });
}
