/**
 * Queries with limits of their own.
 *
 * @module
 */

import type { Statement } from "./driver/connection.ts";
import type { QueryLimits } from "./sql.ts";
import { SqlScope } from "./sql_scope.ts";
import type { StatementMaker } from "./statement_maker.ts";

/** What runs statements within limits. */
export interface LimitedRunner {
  readonly maker: StatementMaker;
  runWithin(statement: Statement, limits: QueryLimits): void;
  cancel(statement: Statement): void;
}

/** A scope whose queries all have the same limits. */
export class LimitedScope extends SqlScope {
  readonly #runner: LimitedRunner;
  readonly #limits: QueryLimits;

  constructor(
    runner: LimitedRunner,
    limits: QueryLimits,
  ) {
    super();
    this.#runner = runner;
    this.#limits = limits;
  }

  override get maker(): StatementMaker {
    return this.#runner.maker;
  }

  override run(statement: Statement): void {
    this.#runner.runWithin(statement, this.#limits);
  }

  override cancel(statement: Statement): void {
    this.#runner.cancel(statement);
  }
}
