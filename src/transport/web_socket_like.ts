/**
 * A transport over sockets made of web streams, as WinterTC's Sockets API has them.
 *
 * @module
 */

import { Buffer } from "node:buffer";

import { errorText } from "../error_text.ts";
import { abortable } from "../abortable.ts";
import { toConnectError } from "./connect_failure.ts";
import type {
  ConnectOptions,
  Endpoint,
  Socket,
  SocketListener,
  Transport,
} from "./transport.ts";

/** A connected byte stream made of web streams. */
export interface WinterSocket {
  /** What the server sends; it must end when the server closes. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What is sent to the server. */
  readonly writable: WritableStream<Uint8Array>;
  /** Rejects when the connection breaks. */
  readonly closed: Promise<unknown>;
  /** Settles once the connection stands or has failed, when the runtime tells. */
  readonly opened?: Promise<unknown>;
  /** Closes both halves. */
  close(): Promise<void> | void;
}

/**
 * Opens one connection, TLS included: what it answers is used as it is.
 *
 * @example A tunnel of your own
 * ```ts ignore
 * createPool(url, { transport: ({ host, port }) => openTunnel(host, port) });
 * ```
 */
export type SocketFactory = (
  endpoint: Endpoint,
) => WinterSocket | Promise<WinterSocket>;

/** Makes a transport of a function that opens sockets of web streams. */
export function fromSocketFactory(factory: SocketFactory): Transport {
  return {
    connect: (endpoint, options) => connect(factory, endpoint, options),
  };
}

async function connect(
  factory: SocketFactory,
  endpoint: Endpoint,
  { signal }: ConnectOptions,
): Promise<Socket> {
  signal.throwIfAborted();
  const making = make(factory, endpoint);
  try {
    const socket = await abortable(making, signal);
    await abortable(Promise.resolve(socket.opened), signal);
    signal.throwIfAborted();
    return new StreamSocket(socket);
  } catch (error) {
    // It may still be made: nobody is left who would close it.
    making.then(close, ignore);
    if (signal.aborted) throw signal.reason;
    throw toConnectError(error, endpoint);
  }
}

async function make(
  factory: SocketFactory,
  endpoint: Endpoint,
): Promise<WinterSocket> {
  const socket = await factory(endpoint);
  // It rejects when we destroy, too; the reader and the writer say the same.
  socket.closed.catch(ignore);
  return socket;
}

/** Closes without waiting and without a sound: there is nobody to tell. */
function close(socket: WinterSocket): void {
  try {
    Promise.resolve(socket.close()).catch(ignore);
  } catch {
    // Closed already: some runtimes throw then.
  }
}

function ignore(): void {}

/** The socket port over a reader and a writer. */
class StreamSocket implements Socket {
  readonly #socket: WinterSocket;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #listener: SocketListener | undefined;
  #state: "open" | "ended" | "closed" = "open";
  #closeError: Error | undefined;
  /** Set while paused; ends the pause. */
  #wake: (() => void) | undefined;
  #awake: Promise<void> | undefined;

  constructor(socket: WinterSocket) {
    this.#socket = socket;
    this.#reader = socket.readable.getReader();
    this.#writer = socket.writable.getWriter();
    this.#reader.closed.catch(ignore);
    this.#writer.closed.catch(ignore);
    this.#writer.ready.catch(ignore);
    socket.closed.catch((error) => this.#close(error));
  }

  listen(listener: SocketListener): void {
    this.#listener = listener;
    if (this.#state === "closed") this.#tellClosed(listener);
    else void this.#pump(listener);
  }

  write(
    bytes: Uint8Array,
    onWritten?: (error?: Error | null) => void,
  ): void {
    if (this.#state === "open") return void this.#send(bytes, onWritten);
    if (onWritten === undefined) return;
    queueMicrotask(() =>
      onWritten(new Error("Cannot write: the connection is closed"))
    );
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#writer.close().catch((error) => this.#close(error));
  }

  destroy(): void {
    this.#close(undefined);
  }

  pause(): void {
    this.#awake ??= new Promise((resolve) => this.#wake = resolve);
  }

  resume(): void {
    this.#wake?.();
    this.#awake = undefined;
    this.#wake = undefined;
  }

  // Web streams know no such notion; the factory's runtime decides.
  ref(): void {}

  unref(): void {}

  async #send(
    bytes: Uint8Array,
    onWritten: ((error?: Error | null) => void) | undefined,
  ): Promise<void> {
    try {
      await this.#writer.write(bytes);
    } catch (error) {
      this.#close(error);
      onWritten?.(toError(error));
      return;
    }
    onWritten?.();
  }

  // One chunk at most is held while paused: not to pull is the back-pressure.
  async #pump(listener: SocketListener): Promise<void> {
    for (;;) {
      while (this.#awake !== undefined) await this.#awake;
      const chunk = await this.#read();
      while (this.#awake !== undefined) await this.#awake;
      if (this.#state === "closed") return;
      if (chunk === undefined) return this.#close(undefined);
      listener.onData(
        Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength),
      );
    }
  }

  /** The next bytes, or `undefined` at the end of the stream. */
  async #read(): Promise<Uint8Array | undefined> {
    try {
      const { value } = await this.#reader.read();
      return value;
    } catch (error) {
      this.#close(error);
      return undefined;
    }
  }

  /** The only way this socket becomes closed. */
  #close(error: unknown): void {
    if (this.#state === "closed") return;
    // After our own end a broken read is no news: Deno.connect then breaks it.
    const isNews = this.#state === "open" && error !== undefined;
    this.#closeError = isNews ? toError(error) : undefined;
    this.#state = "closed";
    this.#reader.cancel().catch(ignore);
    this.#writer.abort().catch(ignore);
    close(this.#socket);
    if (this.#listener !== undefined) this.#tellClosed(this.#listener);
  }

  #tellClosed(listener: SocketListener): void {
    queueMicrotask(() => listener.onClose(this.#closeError));
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(errorText(error));
}
