/**
 * A cursor or COPY that is open on a connection: beside it nothing can run.
 *
 * @module
 */

import { withoutFrames } from "../call_site.ts";
import { ConnectionBusyError } from "../pool_errors.ts";

const IS_OPEN = "a cursor or COPY is open on this connection; read it to its " +
  "end, or end() it, first";

/** What is refused beside one that waits for its user is told. */
export function openError(action: string): Error {
  return withoutFrames(() => new ConnectionBusyError(action, IS_OPEN));
}
