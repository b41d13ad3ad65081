/** Sockets without a network: a test plays the server. */
import type {
  ConnectOptions,
  Endpoint,
  Socket,
  SocketListener,
  Transport,
} from "../../src/transport/transport.ts";
import { Buffer } from "node:buffer";

/** One socket; what was written to it is kept. */
export class FakeSocket implements Socket {
  readonly written: Uint8Array[] = [];
  isEnded = false;
  isDestroyed = false;
  isPaused = false;
  isRef = true;
  /** Called with whatever is written. */
  onWrite: ((bytes: Uint8Array) => void) | undefined;
  #listener: SocketListener | undefined;

  listen(listener: SocketListener): void {
    this.#listener = listener;
  }

  /** The server sends. */
  deliver(bytes: Uint8Array): void {
    this.#listener!.onData(Buffer.from(bytes));
  }

  /** The connection ends. */
  close(error?: Error): void {
    this.#listener?.onClose(error);
  }

  write(
    bytes: Uint8Array,
    onWritten?: (error?: Error | null) => void,
  ): void {
    this.written.push(bytes.slice());
    this.onWrite?.(bytes);
    if (onWritten !== undefined) queueMicrotask(() => onWritten());
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    queueMicrotask(() => this.close());
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  ref(): void {
    this.isRef = true;
  }

  unref(): void {
    this.isRef = false;
  }
}

/** Hands out fake sockets. */
export class FakeTransport implements Transport {
  readonly sockets: FakeSocket[] = [];
  readonly dials: { endpoint: Endpoint; options: ConnectOptions }[] = [];
  /** Answers a dial; a fake socket unless it is set. */
  onConnect: ((socket: FakeSocket) => Promise<void> | void) | undefined;

  async connect(endpoint: Endpoint, options: ConnectOptions): Promise<Socket> {
    this.dials.push({ endpoint, options });
    const socket = new FakeSocket();
    await this.onConnect?.(socket);
    this.sockets.push(socket);
    return socket;
  }
}

/** Resolves once `isSo` answers `true`; rejects after a while. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > deadline) {
      throw new Error(`Cannot go on: there is no ${what} after 5000 ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
