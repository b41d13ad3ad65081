/**
 * A cursor or COPY that is open on a connection: beside it nothing can run.
 *
 * @module
 */

import { withoutFrames } from "../call_site.ts";
import { isStuck } from "../driver/connection.ts";
import { ConnectionBusyError } from "../pool_errors.ts";
import type { Member } from "./member.ts";

const IS_OPEN = "a cursor or COPY is open on this connection; read it to its " +
  "end, or end() it, first";

/** What is refused beside one that waits for its user is told. */
export function openError(action: string): Error {
  return withoutFrames(() => new ConnectionBusyError(action, IS_OPEN));
}

/**
 * Waits for one whose loop was just left; `undefined`, at once, where there is
 * none.
 *
 * @throws {ConnectionBusyError} While a cursor is open, or a COPY is not ended.
 */
export function leaveCursor(
  { connection: { underWay } }: Member,
  action: string,
): Promise<void> | undefined {
  return underWay.isSuspended ? refuseBeside(underWay, action) : undefined;
}

async function refuseBeside(
  statements: Member["connection"]["underWay"],
  action: string,
): Promise<void> {
  if (await isStuck(statements)) throw openError(action);
}
