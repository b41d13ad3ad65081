/**
 * The cancel request of the protocol, sent and awaited to its end.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import type {
  ConnectOptions,
  Endpoint,
  Transport,
} from "../transport/transport.ts";

const CANCEL_REQUEST_CODE = 80877102;

/** Where a session runs, and how to get there again. */
export interface CancelTarget {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  readonly options: Omit<ConnectOptions, "signal">;
}

/** What names a session in a cancel request. */
interface SessionKey {
  readonly pid: number;
  readonly secret: number;
}

/** Who is told when a cancel request begins and ends. */
interface CancelWatcher {
  onBegin(): void;
  onEnd(): void;
}

/** The cancel requests of one session, one at a time. */
export class Canceller {
  readonly #target: CancelTarget;
  readonly #watcher: CancelWatcher;
  readonly #abort = new AbortController();
  #sending: Promise<void> | undefined;

  constructor(target: CancelTarget, watcher: CancelWatcher) {
    this.#target = target;
    this.#watcher = watcher;
  }

  /** Whether a request is under way. */
  get isSending(): boolean {
    return this.#sending !== undefined;
  }

  /** Sends a request, or joins the one under way. */
  send(key: SessionKey): Promise<void> {
    return this.#sending ??= this.#send(key);
  }

  /** Gives up what is under way, and all later requests. */
  stop(reason: unknown): void {
    this.#abort.abort(reason);
  }

  async #send(key: SessionKey): Promise<void> {
    this.#watcher.onBegin();
    try {
      await sendCancel(this.#target, key, this.#abort.signal);
    } finally {
      this.#sending = undefined;
      this.#watcher.onEnd();
    }
  }
}

/**
 * Asks a server to cancel what a session runs.
 *
 * Resolves when the server has closed the connection that carried the request:
 * by then it has signalled the session, so that a statement sent from now on
 * cannot be hit. The server never says whether there was anything to cancel.
 *
 * @throws {ConnectError} When the server cannot be reached.
 */
export async function sendCancel(
  { transport, endpoint, options }: CancelTarget,
  key: SessionKey,
  signal: AbortSignal,
): Promise<void> {
  const socket = await transport.connect(endpoint, { ...options, signal });
  try {
    signal.throwIfAborted();
    const closed = new Promise<void>((resolve) =>
      socket.listen({ onData() {}, onClose: () => resolve() })
    );
    socket.write(cancelRequest(key));
    await abortable(closed, signal);
  } finally {
    socket.destroy();
  }
}

function cancelRequest({ pid, secret }: SessionKey): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, 16);
  view.setInt32(4, CANCEL_REQUEST_CODE);
  view.setInt32(8, pid);
  view.setInt32(12, secret);
  return bytes;
}
