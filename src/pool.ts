/**
 * The pool, as its user sees it.
 *
 * @module
 */

import type { AcquireOptions, CloseOptions } from "./options/call_options.ts";
import type { ResizeOptions } from "./options/pool_bounds.ts";
import type { PoolEventListener, PoolEventType } from "./pool_events.ts";
import type { PoolStats } from "./pool_stats.ts";
import type { PooledConnection } from "./pooled_connection.ts";
import type { Sql, TypeValues } from "./sql.ts";

/**
 * A pool of connections to PostgreSQL.
 *
 * Call it as the driver's `sql`: each query runs on whichever connection has
 * room for it. What needs one session takes a lease or a transaction.
 *
 * @example
 * ```ts
 * import { createPool } from "@tidepool/postgres";
 *
 * await using pool = createPool("postgres://localhost/shop", { max: 10 });
 * const users = await pool`select * from users where id = ${7}`;
 * ```
 */
// deno-lint-ignore ban-types -- as in the driver: no custom types
export interface Pool<Types extends TypeValues = {}>
  extends Sql<Types>, AsyncDisposable {
  /** The pool's label in its errors and its `stats()`. */
  readonly name: string;
  /**
   * Waits for a connection and leases it to the caller.
   *
   * Callers are served in the order in which they came.
   *
   * @throws {AcquireTimeoutError} When none is free within `timeoutMs`.
   * @throws {ConnectError} When none is open and none can be opened.
   * @throws {PoolClosedError} When the pool is closed.
   */
  acquire(options?: AcquireOptions): Promise<PooledConnection<Types>>;
  /**
   * Leases a connection that is idle now, or answers `undefined`, at once.
   *
   * It is not validated first: that would take time. In vain, it is no request
   * that `stats()` counts, and no event.
   *
   * @throws {TypeError} When the pool has an `onAcquire`, which takes time too.
   */
  tryAcquire(): PooledConnection<Types> | undefined;
  /** Runs `fn` with a lease that ends with it. */
  use<T>(
    fn: (connection: PooledConnection<Types>) => T | Promise<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  /**
   * Resolves once `min` connections, and at least one, are open.
   *
   * @throws {AcquireTimeoutError} When they are not within `timeoutMs`.
   * @throws {ConnectError} When none can be opened.
   */
  ready(options?: AcquireOptions): Promise<void>;
  /** Changes the limits; what is too many is closed when it is not in use. */
  resize(bounds: ResizeOptions): void;
  /** Retires every connection opened before now: the leased ones on their return. */
  refresh(): void;
  /** Grants no connection until `resume`; who waits goes on waiting, to their deadlines. */
  pause(): void;
  /** Grants connections again. */
  resume(): void;
  /** One consistent picture of the pool. */
  stats(): PoolStats;
  /**
   * Closes the pool: who waits is turned away at once, leases are waited for,
   * and what is still in use near the end is cancelled and destroyed.
   *
   * Always resolves within `timeoutMs`, of which the last quarter, at most
   * 500 ms, is kept for cancelling. Closing twice is closing once.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Calls `listener` with each event of a type; what it throws changes nothing. */
  addEventListener<Type extends PoolEventType>(
    type: Type,
    listener: PoolEventListener<Type>,
  ): void;
  /** Stops calling `listener`. */
  removeEventListener<Type extends PoolEventType>(
    type: Type,
    listener: PoolEventListener<Type>,
  ): void;
}
