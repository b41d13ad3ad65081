/**
 * Queries with limits of their own.
 *
 * @module
 */

import type { Statement } from "./driver/connection.ts";
import { checkAcquireOptions } from "./options/call_options.ts";
import { UNLIMITED } from "./shell/query_limit.ts";
import type { LimitedSql, QueryLimits } from "./sql.ts";
import { SqlScope } from "./sql_scope.ts";
import type { StatementMaker } from "./statement_maker.ts";

/** A scope that can run statements within limits. */
export abstract class LimitableScope extends SqlScope {
  abstract runWithin(statement: Statement, limits: QueryLimits): void;

  override run(statement: Statement): void {
    this.runWithin(statement, UNLIMITED);
  }

  with(limits: QueryLimits): LimitedSql {
    checkAcquireOptions(limits, "limit a query");
    return new LimitedScope(this, limits) as unknown as LimitedSql;
  }
}

/** A scope whose queries all have the same limits. */
class LimitedScope extends SqlScope {
  readonly #scope: LimitableScope;
  readonly #limits: QueryLimits;

  constructor(scope: LimitableScope, limits: QueryLimits) {
    super();
    this.#scope = scope;
    this.#limits = limits;
  }

  override get maker(): StatementMaker {
    return this.#scope.maker;
  }

  override run(statement: Statement): void {
    this.#scope.runWithin(statement, this.#limits);
  }

  override cancel(statement: Statement): void {
    this.#scope.cancel(statement);
  }
}
