/** A transport that counts what goes over the wire, and can change it. */
import { nodeNet } from "../../src/transport/node_net.ts";
import type {
  ConnectOptions,
  Endpoint,
  Socket,
  SocketListener,
  Transport,
} from "../../src/transport/transport.ts";

/** Wraps another transport. */
export class SpyTransport implements Transport {
  /** The sockets that were opened. */
  readonly sockets: SpySocket[] = [];
  /** What is delivered in the place of what a socket got; nothing: `undefined`. */
  onData: (bytes: Uint8Array, socket: SpySocket) => Uint8Array | undefined = (
    bytes,
  ) => bytes;

  async connect(endpoint: Endpoint, options: ConnectOptions): Promise<Socket> {
    const socket = new SpySocket(
      await nodeNet.connect(endpoint, options),
      this,
    );
    this.sockets.push(socket);
    return socket;
  }
}

/** One socket, watched. */
export class SpySocket implements Socket {
  readonly #inner: Socket;
  readonly #transport: SpyTransport;
  /** All that was written, as text. */
  sent = "";
  /** How often the direction changed: each is a round trip. */
  roundTrips = 0;
  #isSending = false;
  #listener: SocketListener | undefined;

  constructor(inner: Socket, transport: SpyTransport) {
    this.#inner = inner;
    this.#transport = transport;
  }

  listen(listener: SocketListener): void {
    this.#listener = listener;
    this.#inner.listen({
      onData: (bytes) => {
        this.#isSending = false;
        const changed = this.#transport.onData(bytes, this);
        if (changed !== undefined) listener.onData(changed);
      },
      onClose: (error) => listener.onClose(error),
    });
  }

  /** Delivers what was held back. */
  deliver(bytes: Uint8Array): void {
    this.#listener!.onData(bytes);
  }

  write(
    bytes: Uint8Array,
    onWritten?: (error?: Error | null) => void,
  ): void {
    if (!this.#isSending) this.roundTrips++;
    this.#isSending = true;
    this.sent += new TextDecoder("latin1").decode(bytes);
    this.#inner.write(bytes, onWritten);
  }

  end(): void {
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  ref(): void {
    this.#inner.ref();
  }

  unref(): void {
    this.#inner.unref();
  }
}
