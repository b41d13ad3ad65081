/**
 * The transport port: how bytes reach a server, on whatever runtime.
 *
 * The pool owns its sockets. The driver only ever sees bytes, so that it can
 * neither reconnect behind a lease nor write to a socket that is gone.
 *
 * @module
 */

/** One address of a server: a host and port, or the path of a Unix socket. */
export interface Endpoint {
  /** The host name or address, for errors and for TLS; for a Unix socket, its folder. */
  readonly host: string;
  /** The TCP port; for a Unix socket, the port in its name. */
  readonly port: number;
  /** The full path of a Unix socket; absent for TCP. */
  readonly path?: string;
}

/** How strictly a server is to be identified, as libpq's `sslmode`. */
export type TlsMode =
  | "disable"
  | "prefer"
  | "require"
  | "verify-ca"
  | "verify-full";

/** What TLS is to do on a connection. */
export interface TlsPlan {
  /** How strictly the server is identified. */
  readonly mode: TlsMode;
  /** Whether TLS starts at once (PostgreSQL 17) or after an `SSLRequest`. */
  readonly negotiation: "postgres" | "direct";
  /**
   * Further options of the runtime's TLS: `ca`, `cert`, `key`, `servername` …
   *
   * They can make the mode stricter, not weaker: `ca` or `rejectUnauthorized:
   * true` turn `require` into `verify-ca`; `rejectUnauthorized: false` is ignored.
   */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What one connect needs to know. */
export interface ConnectOptions {
  /** Abandons the connect; the socket, if any, is destroyed. */
  readonly signal: AbortSignal;
  /** What TLS is to do. */
  readonly tls: TlsPlan;
  /** When TCP keep-alive probes start on a quiet socket, in milliseconds; 0: never. */
  readonly keepAliveMs: number;
}

/** What a socket tells its owner. */
export interface SocketListener {
  /**
   * Bytes arrived. They may be kept: the socket does not reuse them.
   *
   * Always a node `Buffer`, on every transport: the driver calls its methods.
   */
  onData(bytes: Uint8Array): void;
  /**
   * The socket is gone; called exactly once, never from inside a call of ours,
   * also after our own `destroy`.
   *
   * After the server's end of stream, it comes once the bytes before it are
   * delivered; so not while the socket is paused.
   */
  onClose(error: Error | undefined): void;
}

/** A connected byte stream. */
export interface Socket {
  /** Takes over the stream: nothing is delivered before this call. */
  listen(listener: SocketListener): void;
  /**
   * Sends bytes, in order. After `end` or once the stream has closed, they are
   * dropped and `onWritten` gets an error.
   *
   * The bytes are not copied: they must not change before `onWritten`.
   */
  write(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): void;
  /** Closes our half once what was written is sent. */
  end(): void;
  /** Closes both halves at once; never throws, any number of times. */
  destroy(): void;
  /** Stops delivering bytes. */
  pause(): void;
  /** Delivers bytes again. */
  resume(): void;
  /** Lets this socket keep the process alive. */
  ref(): void;
  /** Stops this socket from keeping the process alive. */
  unref(): void;
}

/** Opens sockets. One implementation per runtime. */
export interface Transport {
  /**
   * Connects to `endpoint`, TLS included.
   *
   * @throws {ConnectError} With `kind` `refused`, `dns`, `tls`, `timeout`,
   * `protocol` or `permission`. An aborted signal rejects with its reason.
   */
  connect(endpoint: Endpoint, options: ConnectOptions): Promise<Socket>;
}
