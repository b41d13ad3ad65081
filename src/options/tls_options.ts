/**
 * From `ssl` and `sslmode` to what TLS is to do.
 *
 * @module
 */

import type { TlsMode, TlsPlan } from "../transport/transport.ts";
import { refusal } from "./option_check.ts";
import { isObject } from "./option_kinds.ts";

/** How strictly the server is identified, as libpq's `sslmode`. */
export type SslMode =
  | "disable"
  | "allow"
  | "prefer"
  | "require"
  | "verify-ca"
  | "verify-full";

/** The words for `ssl`. */
export const SSL_MODES: readonly SslMode[] = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
];

/** What was said about TLS. */
interface WrittenTls {
  /** A mode, a boolean, or options of the runtime's TLS. */
  readonly ssl?: SslMode | boolean | object | undefined;
  /** The mode in the URL, which an object in `ssl` may refine. */
  readonly urlSsl?: unknown;
  /** Whether TLS starts at once. */
  readonly sslnegotiation?: "postgres" | "direct" | undefined;
}

/**
 * What TLS is to do.
 *
 * The plan's `options` may hold a private key: they are left out when the plan
 * is inspected, listed or copied.
 *
 * @throws {TypeError} If TLS is to start at once, but need not be used.
 */
export function resolveTls(
  { ssl, urlSsl, sslnegotiation = "postgres" }: WrittenTls,
): TlsPlan {
  const mode = isObject(ssl) ? modeOf(ssl, urlSsl) : namedMode(ssl);
  if (sslnegotiation === "direct" && isOptional(mode)) {
    throw refusal(
      "create the pool",
      `option "sslnegotiation" is "direct", which needs option "ssl" to be ` +
        `"require" or stricter, not "${mode}"`,
    );
  }
  const plan = { mode, negotiation: sslnegotiation };
  Object.defineProperty(plan, "options", { value: optionsOf(ssl) });
  return Object.freeze(plan as TlsPlan);
}

// Trying without TLS first, as "allow" does, would only send the start-up
// packet in the clear; whoever allows TLS does not mind preferring it.
function namedMode(ssl: WrittenTls["ssl"]): TlsMode {
  if (ssl === true) return "verify-full";
  if (ssl === "allow") return "prefer";
  return typeof ssl === "string" ? ssl : "disable";
}

function modeOf(
  options: Readonly<Record<string, unknown>>,
  urlSsl: unknown,
): TlsMode {
  if (options.rejectUnauthorized === false) return "require";
  return urlSsl === "verify-ca" ? "verify-ca" : "verify-full";
}

function isOptional(mode: TlsMode): boolean {
  return mode === "disable" || mode === "prefer";
}

function optionsOf(ssl: WrittenTls["ssl"]): Readonly<Record<string, unknown>> {
  if (!isObject(ssl)) return Object.freeze({});
  const { rejectUnauthorized, ca, ...options } = ssl;
  // The mode already says whether to verify. Without verification `ca` has no
  // use, and would ask a transport that follows libpq to verify after all.
  const trusted = ca === undefined || rejectUnauthorized === false
    ? {}
    : { ca };
  return Object.freeze({ ...options, ...trusted });
}
