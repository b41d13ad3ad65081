/**
 * Handing queries to a client of the driver.
 *
 * @module
 */

import type { DriverConnection, DriverQuery } from "./driver_query.ts";
import type { Outgoing } from "./outgoing.ts";
import type { PlanContext } from "./prepared_plan.ts";

/** A client of the driver, as a statement needs it. */
export interface DriverContext extends PlanContext {
  /** What runs its queries; it is there once the client has started. */
  connection: DriverConnection | undefined;
  /** Makes a query that does nothing but be answered. */
  createFiller(): DriverQuery;
  /** What of its messages is sent; it is there once the client has a socket. */
  outgoing: Outgoing | undefined;
  /** What a cursor's callback answers to end it. */
  readonly close: unknown;
}

/** What a query was given instead of a result. */
export interface Fault {
  readonly error: unknown;
}

// Of the query that is being handed over: the same for all, as few have one.
let fault: Fault | undefined;

function catchFault(error: unknown): void {
  fault = { error };
}

/**
 * Hands a query to a client while `running` has its turn; answers why it was not
 * written, if so.
 *
 * When a query cannot be written, the driver rejects the one that is running,
 * whose error would show its SQL and its parameters; and some errors it cannot
 * even reject. So the error is caught here.
 */
export function handOver(
  query: DriverQuery,
  running: DriverQuery,
  context: DriverContext,
): Fault | undefined {
  const { reject } = running;
  fault = undefined;
  running.reserve = true;
  running.reject = catchFault;
  context.connection!.execute(query);
  running.reject = reject;
  running.reserve = undefined;
  return fault;
}

/**
 * The same, so that the driver forgets a plan that is stale.
 *
 * A describe makes it forget the plan it knew; once the bytes are made it goes
 * on as with any statement that is new to it. It has the signature by the time
 * it looks whether this is one.
 */
export function handOverAnew(
  query: DriverQuery,
  running: DriverQuery,
  context: DriverContext,
): Fault | undefined {
  const { plans } = context;
  Object.defineProperty(query, "onlyDescribe", {
    configurable: true,
    get: () => plans.isStale(query.signature),
  });
  const fault = handOver(query, running, context);
  delete query.onlyDescribe;
  return fault;
}
