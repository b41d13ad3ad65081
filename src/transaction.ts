/**
 * What is promised of transactions and their savepoints.
 *
 * @module
 */

import type { TransactionOutcome } from "./pool_errors.ts";
import type { CallbackResult, Sql, TypeValues } from "./sql.ts";

/**
 * A transaction, or a savepoint in one: rolled back unless it is committed.
 *
 * @example
 * ```ts
 * import { createPool } from "@tidepool/postgres";
 *
 * await using pool = createPool();
 * await using tx = await pool.begin();
 * await tx`insert into orders (id) values (1)`;
 * await tx.commit();
 * ```
 */
// deno-lint-ignore ban-types -- as in the driver: no custom types
export interface Transaction<Types extends TypeValues = {}>
  extends Sql<Types>, AsyncDisposable {
  /** How it ended, once it has. */
  readonly outcome: TransactionOutcome | undefined;
  /**
   * Commits; for a savepoint, keeps what was done since.
   *
   * @throws {TransactionFinishedError} When it has ended, or a statement in it
   * had failed: then it is rolled back.
   * @throws {ConnectionLostError} When the connection died: with `phase`
   * `commit`, and `sent` as `true`, nobody knows whether it is committed.
   */
  commit(): Promise<void>;
  /** Rolls back; for a savepoint, to where it was made. */
  rollback(): Promise<void>;
  /**
   * Makes a savepoint, to be committed before it is left.
   *
   * A server has savepoints only one within the other: of two side by side, one
   * that is rolled back takes along what was done since it was made, also in the
   * other.
   */
  savepoint(): Promise<Transaction<Types>>;
  /** Runs `fn` between a savepoint and its commit, as the driver does. */
  savepoint<T>(
    fn: (tx: Transaction<Types>) => T | Promise<T>,
  ): Promise<CallbackResult<T>>;
  /** The same, with a name in the savepoint's. */
  savepoint<T>(
    name: string,
    fn: (tx: Transaction<Types>) => T | Promise<T>,
  ): Promise<CallbackResult<T>>;
  /** Makes `commit` prepare the transaction for a two-phase commit by this name. */
  prepare<T>(name: string): Promise<CallbackResult<T>>;
}
