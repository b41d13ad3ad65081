/**
 * Why a session is cut although its server is there.
 *
 * @module
 */

import { withoutFrames } from "../call_site.ts";
import { ConnectionLostError } from "../pool_errors.ts";
import type { Loss } from "./connection.ts";
import { ProtocolViolation } from "./server_error.ts";

// Made when they happen: in one large file, the first error made costs milliseconds.

/** A row threw: from here on the driver would be out of step with the server. */
export function halted(): Error {
  return new Error("Cannot go on with a cursor: reading a row threw");
}

/** The driver would give a stream to whoever runs, and throws where nobody does. */
export function unasked(): Error {
  return new ProtocolViolation(
    "Cannot go on: a COPY began that nobody asked for",
  );
}

/** What whoever used a session is told once it is gone; `sent`: his statement may have run. */
export function lostError(
  sent: boolean,
  loss: Loss | undefined,
): ConnectionLostError {
  const phase = sent ? "query" : "idle";
  return withoutFrames(() => new ConnectionLostError({ sent, phase, ...loss }));
}
