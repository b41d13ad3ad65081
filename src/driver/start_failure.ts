/**
 * Why a session did not start, in our words.
 *
 * @module
 */

import { ConnectError, type ConnectErrorKind } from "../pool_errors.ts";
import type { DriverClient } from "./driver_client.ts";
import { ProtocolViolation, type ServerError, type Wire } from "./wire.ts";

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
  where: string,
  wire: Wire,
  client: DriverClient,
): ConnectError | undefined {
  const { error, authentication } = wire;
  if (error !== undefined) return refusal(where, error, client);
  if (AUTHENTICATIONS.has(authentication)) return undefined;
  return new ConnectError(
    "auth",
    `Cannot connect to ${where}: the driver does not know the server's ` +
      `authentication method ${authentication}`,
  );
}

function refusal(
  where: string,
  error: ServerError,
  client: DriverClient,
): ConnectError {
  const found = KINDS.find(([prefix]) => error.code.startsWith(prefix));
  return new ConnectError(
    found?.[1] ?? "protocol",
    `Cannot connect to ${where}: ${error.message} (${error.code})`,
    { sqlState: error.code, cause: client.serverError(error) },
  );
}

/** Why a session that was starting is gone. */
export function startLoss(where: string, cause: unknown): ConnectError {
  if (cause instanceof ConnectError) return cause;
  if (cause instanceof ProtocolViolation) {
    return new ConnectError(
      "protocol",
      `Cannot connect to ${where}: it does not speak PostgreSQL's protocol`,
      { cause },
    );
  }
  return new ConnectError(
    "refused",
    `Cannot connect to ${where}: it closed the connection during start-up`,
    { cause },
  );
}
