/**
 * From what a runtime throws when a connect fails to a `ConnectError`.
 *
 * @module
 */

import { errorCode, errorText } from "../error_text.ts";
import {
  ConnectError,
  type ConnectErrorKind,
  type ConnectErrorOptions,
} from "../pool_errors.ts";
import { describeEndpoint } from "./hosts.ts";
import type { Endpoint } from "./transport.ts";

/** What went wrong, in our words. */
interface Failure {
  /** The kind of the `ConnectError`. */
  readonly kind: ConnectErrorKind;
  /** What is so, for the message. */
  readonly fact: string;
}

const FAILURE_BY_CODE: ReadonlyMap<string, Failure> = new Map([
  ["ECONNREFUSED", refused("the connection was refused")],
  ["ECONNRESET", refused("the connection was reset")],
  ["ECONNABORTED", refused("the connection was aborted")],
  ["EPIPE", refused("the connection was closed")],
  ["EOF", refused("the server closed the connection")],
  ["EHOSTUNREACH", refused("the host is unreachable")],
  ["EHOSTDOWN", refused("the host is down")],
  ["ENETUNREACH", refused("the network is unreachable")],
  ["ENETDOWN", refused("the network is down")],
  ["ENOENT", refused("there is no such socket")],
  ["ENOTFOUND", { kind: "dns", fact: "the host name is not known" }],
  ["ETIMEDOUT", { kind: "timeout", fact: "the host did not answer in time" }],
  ["EACCES", { kind: "permission", fact: "the system does not permit it" }],
  ["EPERM", { kind: "permission", fact: "the system does not permit it" }],
]);

function refused(fact: string): Failure {
  return { kind: "refused", fact };
}

/**
 * Makes a `ConnectError` of whatever a connect failed with.
 *
 * What is not known counts as `refused`: a passing failure is tried again
 * until the deadline, a permanent one turns waiters away at once.
 */
export function toConnectError(
  error: unknown,
  endpoint: Endpoint,
): ConnectError {
  if (error instanceof ConnectError) return error;
  const { kind, fact } = missingPermission(error, endpoint) ?? classify(error);
  return connectError(kind, fact, endpoint, { cause: error });
}

/** Makes a `ConnectError` that says where to, and what is so. */
export function connectError(
  kind: ConnectErrorKind,
  fact: string,
  endpoint: Endpoint,
  options?: ConnectErrorOptions,
): ConnectError {
  const where = describeEndpoint(endpoint);
  return new ConnectError(kind, `Cannot connect to ${where}: ${fact}`, options);
}

/** What went wrong on the network, or `undefined` when it was not the network. */
export function networkFailure(error: unknown): Failure | undefined {
  const code = errorCode(error);
  if (code === undefined) return undefined;
  const failure = FAILURE_BY_CODE.get(code);
  if (failure !== undefined) return withCode(failure, code);
  return code.startsWith("EAI_")
    ? { kind: "dns", fact: `the host name cannot be looked up (${code})` }
    : undefined;
}

function classify(error: unknown): Failure {
  if (error instanceof AggregateError) return classifyAll(error);
  return networkFailure(error) ?? classifyByName(error);
}

/** One host name, several addresses: the first kind counts, every fact is told. */
function classifyAll(error: AggregateError): Failure {
  const failures = error.errors.map(classify);
  const facts = new Set(failures.map((failure) => failure.fact));
  return {
    kind: failures[0]?.kind ?? "refused",
    fact: [...facts].join(", ") || "every address failed",
  };
}

// Deno's own API, which socket factories use, tells some failures by name only.
function classifyByName(error: unknown): Failure {
  const text = errorText(error);
  if (!(error instanceof Error)) return refused(text);
  if (text.startsWith("failed to lookup address")) {
    return { kind: "dns", fact: "the host name is not known" };
  }
  if (error.name === "InvalidData") return { kind: "tls", fact: text };
  if (error.name === "TimedOut" || error.name === "TimeoutError") {
    return { kind: "timeout", fact: "the host did not answer in time" };
  }
  return refused(text || error.name);
}

function withCode({ kind, fact }: Failure, code: string): Failure {
  return { kind, fact: `${fact} (${code})` };
}

/**
 * The flag that Deno was started without.
 *
 * A look-up of a host name that is not allowed fails as `getaddrinfo EPERM`;
 * everything else as `NotCapable` (`PermissionDenied` before Deno 2).
 */
function missingPermission(
  error: unknown,
  endpoint: Endpoint,
): Failure | undefined {
  const text = errorText(error);
  const isLookup = text.startsWith("getaddrinfo EPERM");
  const isAccess = /^Requires (net|read|write) access/.test(text);
  if (!isLookup && !isAccess) return undefined;
  return {
    kind: "permission",
    fact: `Deno needs ${permissionFlags(endpoint)}`,
  };
}

// Deno asks for the three of a Unix socket one after the other: name all of them.
function permissionFlags(endpoint: Endpoint): string {
  const { path } = endpoint;
  if (path === undefined) return `--allow-net=${describeEndpoint(endpoint)}`;
  return `--allow-read=${path} --allow-write=${path} --allow-net=unix:${path}`;
}
