/**
 * A lease, as its user sees it.
 *
 * @module
 */

import type { TransactionStatus } from "./driver/connection.ts";
import type { Sql, TypeValues } from "./sql.ts";

/**
 * A connection of the pool, yours until it is released.
 *
 * Call it as the driver's `sql`. All its queries run in one session; when that
 * is lost, every later query rejects with `ConnectionLostError`.
 *
 * @example
 * ```ts
 * import { createPool } from "@tidepool/postgres";
 *
 * await using pool = createPool();
 * {
 *   await using connection = await pool.acquire();
 *   await connection`set statement_timeout = '2s'`;
 *   await connection`select pg_advisory_lock(42)`;
 * } // rolled back if needed, reset, released
 * ```
 */
// deno-lint-ignore ban-types -- as in the driver: no custom types
export interface PooledConnection<Types extends TypeValues = {}>
  extends Sql<Types>, AsyncDisposable {
  /** The server process of this session. */
  readonly pid: number;
  /** Whether the session is in a transaction, as the server said last. */
  readonly transactionStatus: TransactionStatus;
  /** Aborts when the connection is lost, or the lease ends. */
  readonly signal: AbortSignal;
  /**
   * Ends the lease: the connection is rolled back if needed, reset and returned.
   *
   * Any number of times. It resolves once another caller could have the
   * connection, and never rejects: what could not be put back is destroyed.
   */
  release(): Promise<void>;
  /** Ends the lease and closes its connection. */
  destroy(): void;
  /**
   * Ends the lease and takes its connection out of the pool for good.
   *
   * What is returned is yours: releasing it closes the connection. The pool may
   * open another in its place.
   *
   * @throws {LeaseReleasedError} When the lease has ended.
   * @throws {TypeError} In a hook, which has only a loan of it.
   */
  detach(): PooledConnection<Types>;
}
