/**
 * Why a session did not start, in our words.
 *
 * @module
 */

import {
  ConnectError,
  type ConnectErrorKind,
  ConnectionLostError,
} from "../pool_errors.ts";
import {
  errorText,
  isServerFailure,
  type ServerFailure,
} from "../error_text.ts";
import { connectError } from "../transport/connect_failure.ts";
import type { Endpoint } from "../transport/transport.ts";
import type { DriverClient } from "./driver_client.ts";
import { ProtocolViolation } from "./server_error.ts";
import type { Wire } from "./wire.ts";

// The authentication methods the driver answers; another it would print.
const AUTHENTICATIONS: ReadonlySet<number> = new Set([-1, 0, 3, 5, 10, 11, 12]);

// What each class of SQLSTATE means to somebody who connects. 57P03 is
// "starting up"; 53300 "too many connections"; 28 and 3D are refusals of the
// role, its password or its database.
const KINDS: readonly (readonly [prefix: string, kind: ConnectErrorKind])[] = [
  ["57P", "starting"],
  ["57014", "starting"],
  ["25006", "starting"],
  ["53", "capacity"],
  ["28", "auth"],
  ["3D", "auth"],
  ["42501", "auth"],
];

/** Why a session that is starting cannot go on, from what its server said last. */
export function startFailure(
  endpoint: Endpoint,
  wire: Wire,
  client: Pick<DriverClient, "serverError">,
): ConnectError | undefined {
  const { error, authentication } = wire;
  if (error !== undefined) return refusal(endpoint, client.serverError(error));
  if (AUTHENTICATIONS.has(authentication)) return undefined;
  return connectError(
    "auth",
    `the driver does not know authentication method ${authentication}`,
    endpoint,
  );
}

function refusal(endpoint: Endpoint, cause: ServerFailure): ConnectError {
  const { code: sqlState, message } = cause;
  const found = KINDS.find(([prefix]) => sqlState.startsWith(prefix));
  const kind = found?.[1] ?? "protocol";
  const fact = `${message} (${sqlState})`;
  return connectError(kind, fact, endpoint, { sqlState, cause });
}

/** What ended a dial, whoever said so. */
export function startError(endpoint: Endpoint, cause: unknown): ConnectError {
  if (cause instanceof ConnectionLostError) {
    return startLoss(endpoint, cause.cause);
  }
  if (cause instanceof ConnectError || isServerFailure(cause)) {
    return startLoss(endpoint, cause);
  }
  return connectError("protocol", errorText(cause), endpoint, { cause });
}

/** Why a session that was starting is gone. */
export function startLoss(endpoint: Endpoint, cause: unknown): ConnectError {
  if (cause instanceof ConnectError) return cause;
  if (isServerFailure(cause)) return refusal(endpoint, cause);
  if (cause instanceof ProtocolViolation) {
    const why = "it does not speak PostgreSQL's protocol";
    return connectError("protocol", why, endpoint, { cause });
  }
  const why = "it closed the connection during start-up";
  return connectError("refused", why, endpoint, { cause });
}
