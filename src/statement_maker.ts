/**
 * What makes lazy queries: the driver, as pools, leases and transactions see it.
 *
 * @module
 */

import type { StatementScope } from "./driver/connection.ts";
import type { Sql } from "./sql.ts";

/** The values that every scope offers as the driver does. */
export const VALUE_NAMES = [
  "types",
  "typed",
  "json",
  "array",
  "options",
  "parameters",
  "PostgresError",
  "CLOSE",
  "END",
] as const;

/** These, shared by all scopes. */
export type DriverValues = Pick<
  Sql<Record<string, unknown>>,
  typeof VALUE_NAMES[number]
>;

/** Makes queries that run in a scope once they are awaited. */
export interface StatementMaker {
  /** Helpers and options, shared by all scopes. */
  readonly sql: DriverValues;
  /** What a call of the template tag makes: a query, or a helper. */
  tag(scope: StatementScope, first: unknown, rest: readonly unknown[]): unknown;
  /** A query of SQL as it is. */
  unsafe(scope: StatementScope, args: readonly unknown[]): unknown;
  /** A query of the SQL in a file. */
  file(scope: StatementScope, path: unknown, args: readonly unknown[]): unknown;
}
