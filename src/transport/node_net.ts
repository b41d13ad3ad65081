/**
 * The transport of Deno, Node and Bun: `node:net`, with `node:tls` on top.
 *
 * @module
 */

import {
  connect as openStream,
  type OnReadOpts,
  type Socket as NodeStream,
} from "node:net";

import { toConnectError } from "./connect_failure.ts";
import { Inbox } from "./inbox.ts";
import { nextEvent } from "./next_event.ts";
import { isPlain, secure } from "./tls.ts";
import type {
  ConnectOptions,
  Endpoint,
  Socket,
  SocketListener,
  Transport,
} from "./transport.ts";

/** Connects over TCP or a Unix socket, with TLS as planned. */
export const nodeNet: Transport = { connect };

async function connect(
  endpoint: Endpoint,
  options: ConnectOptions,
): Promise<Socket> {
  const { signal, tls: plan, keepAliveMs } = options;
  signal.throwIfAborted();
  let raw: NodeStream | undefined;
  try {
    let inbox: Inbox | undefined;
    // Under TLS, or where that is asked for first, a stream is read as such.
    if (isPlain(plan, endpoint)) [raw, inbox] = openPlain(endpoint);
    else raw = open(endpoint, {});
    await nextEvent(raw, "connect", signal);
    // The driver writes small messages back to back; Nagle would hold them up.
    raw.setNoDelay(true);
    if (keepAliveMs > 0) raw.setKeepAlive(true, keepAliveMs);
    const stream = await secure(raw, { endpoint, plan, signal });
    signal.throwIfAborted();
    return new NodeSocket(raw, stream, inbox);
  } catch (error) {
    raw?.destroy();
    if (signal.aborted) throw signal.reason;
    throw toConnectError(error, endpoint);
  }
}

// Deno throws here, rather than emit, when it lacks a permission on a Unix socket.
function open(
  { host, port, path }: Endpoint,
  options: { readonly onread?: OnReadOpts },
): NodeStream {
  const address = path === undefined ? { host, port } : { path };
  const raw = openStream({ ...address, ...options });
  raw.on("error", ignore); // for good: one without a listener ends the process
  return raw;
}

// Deno before 2.8 throws when it is asked to.
let canReadInto = true;

/** Opens a stream that reads into an inbox, where the runtime can do that. */
function openPlain(endpoint: Endpoint): [NodeStream, Inbox?] {
  if (!canReadInto) return [open(endpoint, {})];
  const inbox = new Inbox();
  const onread = { buffer: inbox.room, callback: inbox.receive };
  try {
    return [open(endpoint, { onread }), inbox];
  } catch (error) {
    if (!String(error).includes("useUserBuffer")) throw error;
    canReadInto = false;
    return [open(endpoint, {})];
  }
}

function ignore(): void {}

/** One connected stream; under TLS, `raw` is the TCP socket below it. */
class NodeSocket implements Socket {
  readonly #raw: NodeStream;
  readonly #stream: NodeStream;
  /** Has what is read, when the stream has not. */
  readonly #inbox: Inbox | undefined;
  #listener: SocketListener | undefined;
  #error: Error | undefined;

  constructor(raw: NodeStream, stream: NodeStream, inbox: Inbox | undefined) {
    this.#raw = raw;
    this.#stream = stream;
    this.#inbox = inbox;
    stream.on("error", (error) => this.#error ??= error);
    stream.on("close", () => this.#listener?.onClose(this.#error));
  }

  listen(listener: SocketListener): void {
    const stream = this.#stream;
    // It may have closed while nobody listened.
    if (stream.closed) {
      queueMicrotask(() => listener.onClose(this.#error));
      return;
    }
    this.#listener = listener;
    // Once the server has ended, nothing we could still send has a reader.
    stream.on("end", () => stream.destroy());
    if (this.#inbox === undefined) {
      stream.on("data", (bytes) => listener.onData(bytes));
      stream.resume(); // it may have been asked for TLS, and stood still since
    } else queueMicrotask(() => this.#read(this.#inbox!, listener));
  }

  #read(inbox: Inbox, listener: SocketListener): void {
    if (this.#stream.destroyed) return;
    inbox.open(listener);
    this.#stream.resume();
  }

  write(
    bytes: Uint8Array,
    onWritten?: (error?: Error | null) => void,
  ): void {
    if (this.#stream.writable) return void this.#stream.write(bytes, onWritten);
    if (onWritten === undefined) return;
    queueMicrotask(() =>
      onWritten(new Error("Cannot write: the connection is closed"))
    );
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
    this.#raw.destroy();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  // Under TLS, only the raw socket's handle keeps the process alive.
  ref(): void {
    this.#raw.ref();
  }

  unref(): void {
    this.#raw.unref();
  }
}
