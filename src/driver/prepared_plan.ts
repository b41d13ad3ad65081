/**
 * Plans that a session has prepared, and what becomes of those that go stale.
 *
 * @module
 */

import type { DriverQuery } from "./driver_query.ts";
import type { Wire } from "./wire.ts";

/** What a session knows of its plans. */
export interface PlanContext {
  readonly plans: KnownPlans;
  /** Whether the session is in a transaction, as of the last reply. */
  isInTransaction(): boolean;
}

/** The plans that the driver believes a session to have, by signature. */
export class KnownPlans {
  readonly #wire: Wire;
  readonly #known = new Set<unknown>();
  readonly #stale = new Set<unknown>();

  /** `wire` tells when the server has forgotten them. */
  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Whether any may be no longer valid. */
  areSomeStale(): boolean {
    if (this.#wire.hasForgottenPlans) this.#spoilAll();
    return this.#stale.size > 0;
  }

  isStale(signature: unknown): boolean {
    return this.#stale.has(signature);
  }

  /** The driver has it prepared. */
  add(signature: unknown): void {
    this.#known.add(signature);
    this.#stale.delete(signature);
  }

  /** It was found to be no longer valid. */
  spoil(signature: unknown): void {
    this.#stale.add(signature);
  }

  // Any of them may have been forgotten; to prepare one again does no harm.
  #spoilAll(): void {
    this.#wire.hasForgottenPlans = false;
    for (const signature of this.#known) this.#stale.add(signature);
  }
}

// Where a server finds that a prepared plan is no longer valid; as in the driver.
const STALE_PLAN_ROUTINES: ReadonlySet<unknown> = new Set([
  "FetchPreparedStatement",
  "RevalidateCachedQuery",
  "transformAssignedExpr",
]);

/** Whether a statement did not run because its prepared plan was no longer valid. */
function isStalePlan(error: unknown): boolean {
  const { routine, where } = Object(error) as Record<string, unknown>;
  // An error with a context came of a function, or of a procedure that may have
  // committed: it ran.
  return where === undefined && STALE_PLAN_ROUTINES.has(routine);
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
    this.#context.plans.spoil(this.#query.signature);
    return !this.#context.isInTransaction();
  }
}
