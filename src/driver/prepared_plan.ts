/**
 * Plans that a session has prepared, and what becomes of those that go stale.
 *
 * @module
 */

import type { DriverQuery } from "./driver_query.ts";

/** What a session knows of its plans. */
export interface PlanContext {
  /** The signatures of those the driver knows that are no longer valid. */
  readonly stalePlans: Set<unknown>;
  /** Whether the session is in a transaction, as of the last reply. */
  isInTransaction(): boolean;
}

// Where a server finds that a prepared plan is no longer valid; as in the driver.
const STALE_PLAN_ROUTINES: ReadonlySet<unknown> = new Set([
  "FetchPreparedStatement",
  "RevalidateCachedQuery",
  "transformAssignedExpr",
]);

/** Whether a statement did not run because its prepared plan was no longer valid. */
function isStalePlan(error: unknown): boolean {
  const { routine } = Object(error) as { readonly routine?: unknown };
  return STALE_PLAN_ROUTINES.has(routine);
}

/**
 * The plan that a query was found to have.
 *
 * It goes stale when a table is altered. The driver's own retry serializes the
 * parameters twice (`true` becomes `false`), and does not end when two of its
 * statements meet the same stale plan; so it is not let.
 */
export class PreparedPlan {
  readonly #query: DriverQuery;
  readonly #context: PlanContext;
  readonly #reject: DriverQuery["reject"];

  /** `reject` is told of the query's error in the place of its own. */
  constructor(
    query: DriverQuery,
    context: PlanContext,
    reject: DriverQuery["reject"],
  ) {
    this.#query = query;
    this.#context = context;
    this.#reject = query.reject;
    query.prepared = false;
    query.reject = reject;
  }

  /** Gives the query back its own `reject`. */
  restore(): void {
    this.#query.reject = this.#reject;
  }

  /** Whether `error` says that it is stale, and the query may be run again. */
  mayRunAgain(error: unknown): boolean {
    if (!isStalePlan(error)) return false;
    // Whoever runs it next is to be spared.
    this.#context.stalePlans.add(this.#query.signature);
    return !this.#context.isInTransaction();
  }
}
