/**
 * What a lease and a transaction have in common: they are held, and left.
 *
 * @module
 */

import type { Statement } from "./driver/connection.ts";
import { type LimitedRunner, LimitedScope } from "./limited_scope.ts";
import { checkAcquireOptions } from "./options/call_options.ts";
import { UNLIMITED } from "./shell/query_limit.ts";
import type { LimitedSql, QueryLimits } from "./sql.ts";
import { SqlScope } from "./sql_scope.ts";

/** A scope that holds a connection until it is left. */
export abstract class HeldScope extends SqlScope implements LimitedRunner {
  abstract runWithin(statement: Statement, limits: QueryLimits): void;

  /** Notes that the current flow holds the connection. */
  abstract hold(): void;

  /** Notes the same, where `await using` declares it. */
  abstract claim(): void;

  /** Leaves it; any number of times. */
  abstract end(): Promise<void>;

  override run(statement: Statement): void {
    this.runWithin(statement, UNLIMITED);
  }

  with(limits: QueryLimits): LimitedSql {
    checkAcquireOptions(limits, "limit a query");
    return new LimitedScope(this, limits) as unknown as LimitedSql;
  }

  /** What `await using` reads in the turn of its declaration, and calls at the end. */
  get [Symbol.asyncDispose](): () => Promise<void> {
    this.claim();
    return this.end;
  }
}
