/**
 * A listener that remembers what a socket told it.
 *
 * @module
 */

import { Buffer } from "node:buffer";

import type {
  ConnectOptions,
  Socket,
  SocketListener,
  TlsPlan,
} from "../../src/transport/transport.ts";

/** No TLS. */
export const PLAIN: TlsPlan = {
  mode: "disable",
  negotiation: "postgres",
  options: {},
};

/** What a connect needs, with a signal that never aborts unless given. */
export function connectOptions(
  tls: TlsPlan = PLAIN,
  signal: AbortSignal = new AbortController().signal,
): ConnectOptions {
  return { tls, signal, keepAliveMs: 1_000 };
}

/** Remembers what a socket told, and lets a test wait for it. */
export class Recorder implements SocketListener {
  readonly chunks: Uint8Array[] = [];
  readonly closes: (Error | undefined)[] = [];
  readonly #closed = Promise.withResolvers<Error | undefined>();
  #length = 0;
  #wanted = 0;
  #arrived = Promise.withResolvers<void>();

  /** Takes over `socket`. */
  static on(socket: Socket): Recorder {
    const recorder = new Recorder();
    socket.listen(recorder);
    return recorder;
  }

  onData(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.#length += bytes.length;
    if (this.#length >= this.#wanted) this.#arrived.resolve();
  }

  onClose(error: Error | undefined): void {
    this.closes.push(error);
    this.#closed.resolve(error);
  }

  /** Everything that arrived. */
  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** How many bytes arrived. */
  get length(): number {
    return this.#length;
  }

  /** Resolves once `length` bytes arrived. */
  async until(length: number): Promise<void> {
    if (this.#length >= length) return;
    this.#wanted = length;
    this.#arrived = Promise.withResolvers();
    await this.#arrived.promise;
  }

  /** Resolves with the close's error, or `undefined`. */
  get closed(): Promise<Error | undefined> {
    return this.#closed.promise;
  }
}
