/**
 * A script that connects once, prints how that went, and ends by itself.
 *
 * Arguments: an endpoint and a TLS plan, as JSON.
 *
 * @module
 */

import { ConnectError } from "../../src/pool_errors.ts";
import { nodeNet } from "../../src/transport/node_net.ts";

const [endpoint, tls] = Deno.args.map((text) => JSON.parse(text));
try {
  const { signal } = new AbortController();
  const options = { signal, tls, keepAliveMs: 1_000 };
  const socket = await nodeNet.connect(endpoint, options);
  socket.listen({ onData() {}, onClose() {} });
  socket.unref();
  console.log(JSON.stringify({ connected: true }));
} catch (error) {
  if (!(error instanceof ConnectError)) throw error;
  const { kind, message } = error;
  console.log(JSON.stringify({ kind, message }));
}
