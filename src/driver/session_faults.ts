/**
 * Why a session is cut although its server is there.
 *
 * @module
 */

import { ProtocolViolation } from "./wire.ts";

/** A row threw: from here on the driver would be out of step with the server. */
export const FALTERED: Error = new Error(
  "Cannot go on with a cursor: reading a row threw",
);

/** The driver would give a stream to whoever runs, and throws where nobody does. */
export const UNASKED: Error = new ProtocolViolation(
  "Cannot go on: a COPY began that nobody asked for",
);
