/**
 * A PostgreSQL connection pool whose connections come back by themselves.
 *
 * A lease is a scope: `await using` returns the connection, rolled back. No
 * transaction, statement or error of a lease reaches the next borrower; with
 * `reset: "session"` no setting does either.
 *
 * @example
 * ```ts
 * import { createPool } from "@tidepool/postgres";
 *
 * await using pool = createPool("postgres://me:secret@localhost/shop", {
 *   reset: "session", // what a lease sets ends with it
 * });
 *
 * const users = await pool`select * from users where id = ${7}`;
 *
 * {
 *   await using connection = await pool.acquire({ timeoutMs: 2_000 });
 *   await connection`set statement_timeout = '2s'`;
 *   await connection`select pg_advisory_lock(42)`;
 * }
 *
 * {
 *   await using tx = await pool.begin({ isolation: "serializable" });
 *   await tx`update accounts set balance = balance - 10 where id = 1`;
 *   await tx.commit();
 * }
 * ```
 *
 * @module
 */

export { createPool, type ValuesOf } from "./src/create_pool.ts";
export type { Pool } from "./src/pool.ts";
export type { PooledConnection } from "./src/pooled_connection.ts";
export type { Transaction } from "./src/transaction.ts";
export type {
  CallbackResult,
  DriverSql,
  EndOptions,
  LimitedSql,
  ParsedOptions,
  PostgresErrorClass,
  QueryLimits,
  ServerParameters,
  Sql,
  TypeValues,
} from "./src/sql.ts";
export type {
  BeginOptions,
  Isolation,
  TransactionOptions,
} from "./src/options/begin_options.ts";
export type {
  AcquireOptions,
  CloseOptions,
} from "./src/options/call_options.ts";
export type { ResizeOptions } from "./src/options/pool_bounds.ts";
export type {
  ConnectionHook,
  NestedAcquireMode,
  OverloadOptions,
  PoolOptions,
  ResetMode,
} from "./src/pool_options.ts";
export type {
  ConnectionOptions,
  Password,
} from "./src/options/connection_options.ts";
export type {
  DebugHook,
  DriverOptions,
  DriverTransform,
  NoticeHook,
  ParameterHook,
  PostgresType,
  PostgresTypes,
  StartupParameters,
} from "./src/options/driver_options.ts";
export type { SslMode } from "./src/options/tls_options.ts";
export type { TransactionStatus } from "./src/driver/connection.ts";
export type { Endpoint } from "./src/transport/transport.ts";
export type { TargetSessionAttrs } from "./src/transport/hosts.ts";
export type {
  SocketFactory,
  WinterSocket,
} from "./src/transport/web_socket_like.ts";
export type { CloseReason } from "./src/core/effect.ts";
export type {
  ClosedStats,
  DurationStats,
  PoolStats,
} from "./src/pool_stats.ts";
export type { NestedAcquire, NestedHolder } from "./src/nested_acquire.ts";
export type {
  HookName,
  PoolEvent,
  PoolEventListener,
  PoolEventMap,
  PoolEventType,
} from "./src/pool_events.ts";
export {
  AcquireTimeoutError,
  ConnectError,
  type ConnectErrorKind,
  type ConnectErrorOptions,
  ConnectionBusyError,
  ConnectionLostError,
  type ConnectionLostOptions,
  type ConnectionLostPhase,
  LeaseReleasedError,
  PoolClosedError,
  PoolError,
  type PoolErrorCode,
  PoolOverloadedError,
  QueryTimeoutError,
  TransactionFinishedError,
  type TransactionOutcome,
} from "./src/pool_errors.ts";
export { PostgresError } from "./src/driver/postgres_js.ts";
