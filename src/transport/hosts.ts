/**
 * In which order the servers of one dial are tried, and which sessions will do.
 *
 * @module
 */

import type { Endpoint } from "./transport.ts";

/** What a session must be, as libpq's `target_session_attrs`. */
export type TargetSessionAttrs =
  | "read-write"
  | "read-only"
  | "primary"
  | "standby"
  | "prefer-standby";

/** What one attempt asks of the session it gets. */
export type SessionRequirement =
  | "any"
  | Exclude<
    TargetSessionAttrs,
    "prefer-standby"
  >;

/** One attempt of a dial: where to, and what the session must be. */
export interface Attempt {
  /** Where to connect. */
  readonly endpoint: Endpoint;
  /** What the session must be; otherwise the next attempt is made. */
  readonly requires: SessionRequirement;
}

/** What a session said of itself when it started. */
interface SessionFacts {
  /** `in_hot_standby`: the server is recovering, so it takes no writes. */
  readonly inHotStandby: boolean;
  /** `default_transaction_read_only`: transactions start read-only. */
  readonly defaultTransactionReadOnly: boolean;
}

/**
 * Lists the attempts of one dial, in order.
 *
 * `prefer-standby` goes round twice: first every server as a standby, then
 * every server as whatever it is.
 */
export function planAttempts(
  endpoints: readonly Endpoint[],
  targetSessionAttrs: TargetSessionAttrs | undefined,
): readonly Attempt[] {
  const rounds: readonly SessionRequirement[] =
    targetSessionAttrs === "prefer-standby"
      ? ["standby", "any"]
      : [targetSessionAttrs ?? "any"];
  return rounds.flatMap((requires) =>
    endpoints.map((endpoint) => ({ endpoint, requires }))
  );
}

/** Whether a session is what an attempt asked for, by libpq's meanings. */
export function isAcceptable(
  requires: SessionRequirement,
  session: SessionFacts,
): boolean {
  const { inHotStandby, defaultTransactionReadOnly } = session;
  switch (requires) {
    case "any":
      return true;
    case "read-write":
      return !inHotStandby && !defaultTransactionReadOnly;
    case "read-only":
      return inHotStandby || defaultTransactionReadOnly;
    case "primary":
      return !inHotStandby;
    case "standby":
      return inHotStandby;
  }
}

/** Names an endpoint in a message: `host:port`, or the path of a Unix socket. */
export function describeEndpoint(endpoint: Endpoint): string {
  const { host, port, path } = endpoint;
  if (path !== undefined) return path;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
