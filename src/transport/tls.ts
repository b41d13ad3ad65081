/**
 * TLS on a connected `node:net` socket, by libpq's `sslmode`.
 *
 * Deno 2.9.6 honours `rejectUnauthorized`, `checkServerIdentity`, `ca` (text,
 * bytes or a list of them), `ALPNProtocols` and `servername` here as Node does,
 * also on a socket that has carried bytes before. Where it differs:
 *
 * - An expired certificate fails as `UNABLE_TO_VERIFY_LEAF_SIGNATURE`, in Node
 *   as `CERT_HAS_EXPIRED`.
 * - Plain bytes that arrived with the answer to `SSLRequest` vanish, so they
 *   must be noticed before the handshake.
 * - A `servername` that is an IP address throws from `tls.connect` itself.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { isIP, type Socket as NodeStream } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";

import { errorCode, errorText } from "../error_text.ts";
import { connectError, networkFailure } from "./connect_failure.ts";
import { nextEvent } from "./next_event.ts";
import type { Endpoint, TlsPlan } from "./transport.ts";

// Length 8, then the code that asks for TLS in place of a protocol version.
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const ALPN_PROTOCOL = "postgresql";

/** What a TLS upgrade needs to know. */
interface SecureOptions {
  /** Whom the server is expected to be. */
  readonly endpoint: Endpoint;
  /** What TLS is to do. */
  readonly plan: TlsPlan;
  /** Abandons the upgrade; the caller destroys `raw`. */
  readonly signal: AbortSignal;
}

/**
 * Upgrades `raw` to TLS as the plan says; answers `raw` itself when it stays plain.
 *
 * As in libpq, TLS is left out on a Unix socket. Unlike libpq, `prefer` stays
 * plain only when the server answers that it has no TLS: a handshake that fails
 * is an error, not a reason to send everything in the clear. Direct
 * negotiation has no plain fallback, so `prefer` always asks first.
 *
 * @throws {ConnectError} With `kind` `tls`, `protocol` or `refused`.
 */
export async function secure(
  raw: NodeStream,
  options: SecureOptions,
): Promise<NodeStream> {
  const { endpoint, plan } = options;
  if (isPlain(plan, endpoint)) return raw;
  if (isDirect(plan)) return await handshake(raw, options);
  if (await offersTls(raw, options)) return await handshake(raw, options);
  if (plan.mode === "prefer") return raw;
  throw connectError("tls", "the server does not offer TLS", endpoint);
}

/** Whether TLS is left out without asking. */
export function isPlain(plan: TlsPlan, endpoint: Endpoint): boolean {
  return plan.mode === "disable" || endpoint.path !== undefined;
}

function isDirect(plan: TlsPlan): boolean {
  return plan.negotiation === "direct" && plan.mode !== "prefer";
}

/** Sends `SSLRequest` and reads the one byte that answers it. */
async function offersTls(
  raw: NodeStream,
  { endpoint, signal }: SecureOptions,
): Promise<boolean> {
  raw.write(SSL_REQUEST);
  // `readable` would do as well, but then the handshake hangs before Deno 2.7.
  const answer = await nextEvent<Uint8Array>(raw, "data", signal);
  // Whoever adds plain bytes here wants them taken for what came over TLS.
  if (answer.length !== 1) {
    const fact = `the server sent ${answer.length} bytes in answer to ` +
      "SSLRequest, expected 1";
    throw connectError("protocol", fact, endpoint);
  }
  switch (String.fromCharCode(answer[0] ?? 0)) {
    case "S":
      return true;
    case "N":
      return false;
    case "E": // Its text cannot be trusted: nobody has proved to be the server.
      throw connectError(
        "refused",
        "the server answered SSLRequest with an error",
        endpoint,
      );
    default:
      throw connectError(
        "protocol",
        `the server answered SSLRequest with byte ${answer[0]}, ` +
          "it does not speak the PostgreSQL protocol",
        endpoint,
      );
  }
}

async function handshake(
  raw: NodeStream,
  options: SecureOptions,
): Promise<NodeStream> {
  const { endpoint, plan, signal } = options;
  let stream: ReturnType<typeof connect> | undefined;
  try {
    stream = connect(connectionOptions(raw, options));
    stream.on("error", ignore); // for good: one can come at any time later
    await nextEvent(stream, "secureConnect", signal);
  } catch (error) {
    stream?.destroy();
    throw signal.aborted ? error : handshakeError(error, options);
  }
  if (isDirect(plan) && stream.alpnProtocol !== ALPN_PROTOCOL) {
    stream.destroy();
    const fact = `the server did not agree to ALPN ${ALPN_PROTOCOL}`;
    throw connectError("tls", fact, endpoint);
  }
  return stream;
}

function ignore(): void {}

function connectionOptions(
  raw: NodeStream,
  { endpoint, plan }: SecureOptions,
): ConnectionOptions {
  const { mode, options } = plan;
  return {
    servername: isIP(endpoint.host) === 0 ? endpoint.host : "",
    ...options,
    ...(isDirect(plan) && { ALPNProtocols: [ALPN_PROTOCOL] }),
    ...(mode !== "verify-full" && { checkServerIdentity: acceptAnyHost }),
    rejectUnauthorized: verifiesChain(plan),
    host: endpoint.host,
    socket: raw,
  };
}

/** As libpq: `require` verifies once it is told what to trust. */
function verifiesChain({ mode, options }: TlsPlan): boolean {
  return mode === "verify-ca" || mode === "verify-full" ||
    options.ca !== undefined || options.rejectUnauthorized === true;
}

function acceptAnyHost(): undefined {}

function handshakeError(error: unknown, options: SecureOptions): Error {
  const { endpoint, plan } = options;
  const network = networkFailure(error);
  if (network !== undefined) {
    const hint = isDirect(plan) ? ", direct TLS needs PostgreSQL 17" : "";
    const fact = `${network.fact} during the TLS handshake${hint}`;
    return connectError(network.kind, fact, endpoint, { cause: error });
  }
  const fact = describeRefusal(errorText(error), error);
  return connectError("tls", fact, endpoint, { cause: error });
}

function describeRefusal(message: string, error: unknown): string {
  const code = errorCode(error);
  const told = `the TLS handshake failed: ${message}`;
  if (code === undefined) return told;
  return code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
    ? `${told} (${code}), its issuer is not trusted or it has expired`
    : `${told} (${code})`;
}
