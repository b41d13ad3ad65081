/**
 * The shape that pools, leases and transactions share with the driver's `sql`.
 *
 * @module
 */

// The driver's types are named by `import()`: a name of their own here would be
// one that the documentation cannot show.
import type {
  BeginOptions,
  TransactionOptions,
} from "./options/begin_options.ts";
import type { PooledConnection } from "./pooled_connection.ts";
import type { Transaction } from "./transaction.ts";

/** Custom types, by name, and what their values are. */
// deno-lint-ignore no-explicit-any -- as in the driver
export type TypeValues = Record<string, any>;

/** The driver's tagged template with its helpers: what runs queries. */
export type DriverSql<Types extends TypeValues> =
  import("npm:postgres@~3.4.9").ISql<Types>;

/** The driver's options, parsed. */
export type ParsedOptions<Types extends TypeValues> =
  import("npm:postgres@~3.4.9").ParsedOptions<Types>;

/** What a server reported of itself. */
export type ServerParameters =
  import("npm:postgres@~3.4.9").ConnectionParameters;

/** The driver's class of errors that a server reports. */
export type PostgresErrorClass =
  typeof import("npm:postgres@~3.4.9").PostgresError;

/** What a callback returned, with the promises of an array awaited: of one that it returned at once, not in a promise. */
// deno-lint-ignore no-explicit-any -- as in the driver, whose type this is
export type CallbackResult<T> = T extends any[] ? {
    [Key in keyof T]: T[Key] extends Promise<infer R> ? R : T[Key];
  }
  : T;

/** The end of a driver's `sql`, in seconds. */
export interface EndOptions {
  /** How long what runs may take to finish, in seconds. */
  readonly timeout?: number | undefined;
}

/** Runs queries with limits of their own. */
// deno-lint-ignore ban-types -- as in the driver: no custom types
export interface LimitedSql<Types extends TypeValues = {}>
  extends DriverSql<Types> {}

/** A limit on queries. */
export interface QueryLimits {
  /** Ends a query, on the server too; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The most a query may take, waiting for a connection included, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/**
 * What runs queries: a pool, a lease or a transaction.
 *
 * A function that takes one of these works with all three.
 */
// deno-lint-ignore ban-types -- as in the driver: no custom types
export interface Sql<Types extends TypeValues = {}> extends DriverSql<Types> {
  /** Return it from a cursor's callback to end the cursor. */
  readonly CLOSE: Record<PropertyKey, never>;
  /** The driver's other name of `CLOSE`. */
  readonly END: this["CLOSE"];
  /** The class of errors that a server reports. */
  readonly PostgresError: PostgresErrorClass;
  /** The driver's options; libraries add parsers and serializers to them. */
  readonly options: ParsedOptions<Types>;
  /** What the server reported of itself last. */
  readonly parameters: ServerParameters;

  /**
   * Begins a transaction, to be committed before it is left.
   *
   * @example
   * ```ts
   * import { createPool } from "@tidepool/postgres";
   *
   * await using pool = createPool();
   * await using tx = await pool.begin({ isolation: "serializable" });
   * await tx`update accounts set balance = balance - 10 where id = 1`;
   * await tx.commit();
   * ```
   */
  begin(options?: BeginOptions): Promise<Transaction<Types>>;
  /** Runs `fn` in a transaction, as the driver does. */
  begin<T>(
    fn: (tx: Transaction<Types>) => T | Promise<T>,
  ): Promise<CallbackResult<T>>;
  /** Runs `fn` in a transaction that begins with these options, or these words. */
  begin<T>(
    options: BeginOptions | string,
    fn: (tx: Transaction<Types>) => T | Promise<T>,
  ): Promise<CallbackResult<T>>;
  /**
   * Runs `fn` in a transaction, again when the server could not serialize it
   * (`40001`) or ended it for a deadlock (`40P01`), as often as `retries` says.
   */
  transaction<T>(
    fn: (tx: Transaction<Types>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /** Runs queries with limits of their own. */
  with(limits: QueryLimits): LimitedSql<Types>;
  /** The driver's name of `acquire`; on a lease, a second handle of the same lease. */
  reserve(): Promise<PooledConnection<Types>>;
  /** The driver's name of `close`, `release` and, for a transaction, of leaving it. */
  end(options?: EndOptions): Promise<void>;
}
