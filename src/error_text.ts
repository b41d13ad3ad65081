/**
 * What an error says, whatever was thrown.
 *
 * @module
 */

import type { NestedAcquire, NestedHolder } from "./nested_acquire.ts";

/** The code on an error, such as `ECONNREFUSED` or an SQLSTATE, if it has one. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** The message of an error, the text of what is none; never throws. */
export function errorText(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "what was thrown has no text";
  }
}

/** An error that a server reported, as the driver makes it. */
export interface ServerFailure extends Error {
  /** The SQLSTATE. */
  readonly code: string;
}

/** Whether a server reported it. */
export function isServerFailure(error: unknown): error is ServerFailure {
  return error instanceof Error && error.name === "PostgresError";
}

/** What it says of leases that are held by callers that wait. */
export function describeNested(nested: NestedAcquire | undefined): string {
  if (nested === undefined) return "";
  const { leases, holders } = nested;
  const what = leases === 1 ? "lease is" : "leases are";
  return `; ${holders.length} of ${leases} ${what} held by callers that are ` +
    `waiting themselves${describeSites(holders)}; pass the connection on ` +
    "instead of acquiring another";
}

/** The first of the holders of whom it is known where they are. */
function describeSites(holders: readonly NestedHolder[]): string {
  const known = holders.find(({ waitingAt }) => waitingAt !== undefined);
  if (known === undefined) return "";
  const [waitingAt] = known.waitingAt!.split("\n");
  const [acquiredAt] = known.acquiredAt?.split("\n") ?? [];
  const acquired = acquiredAt === undefined ? "" : `acquired ${acquiredAt}, `;
  return `, one of them ${acquired}waiting ${waitingAt}`;
}
