/**
 * The socket the driver believes it has.
 *
 * @module
 */

import {
  answerLookUp,
  answerPriming,
  endCommand,
  isLookUp,
  isPriming,
} from "./made_up_replies.ts";
import { Outgoing } from "./outgoing.ts";

type Handler = (argument?: unknown) => void;

/** What the driver does with its socket. */
export interface DriverSocketOwner {
  /** The driver writes whole messages. */
  onWrite(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): void;
  /** The driver wants to look up the array types: `send` lets it, or else `skip` answers that there are none. */
  onLookUp(send: () => void, skip: () => void): void;
  /** The next end will have no reply before it. */
  onBareSync(): void;
  /** The driver gives up on the session. */
  onDestroy(): void;
  /** The driver wants no more bytes for now. */
  onPause(): void;
  /** The driver takes bytes again. */
  onResume(): void;
}

/**
 * As much of a `net.Socket` as the driver uses, and no more.
 *
 * It is open for as long as the driver lives: the driver is never told that a
 * connection closed, so it can neither reconnect nor write to what is gone.
 */
export class DriverSocket {
  /** The driver reads it when it ends a session, which it never does here. */
  readonly readyState = "open";
  /** What of the driver's messages is sent. */
  readonly outgoing: Outgoing;
  readonly #owner: DriverSocketOwner;
  readonly #handlers = new Map<string, readonly Handler[]>();
  #madeUp: Uint8Array | undefined;

  constructor(owner: DriverSocketOwner) {
    this.#owner = owner;
    this.outgoing = new Outgoing(() => owner.onBareSync());
  }

  on(event: string, handler: Handler): this {
    const handlers = this.#handlers.get(event) ?? [];
    if (!handlers.includes(handler)) {
      this.#handlers.set(event, [...handlers, handler]);
    }
    return this;
  }

  once(event: string, handler: Handler): this {
    return this.on(event, handler);
  }

  removeListener(event: string, handler: Handler): this {
    const handlers = this.#handlers.get(event) ?? [];
    this.#handlers.set(event, handlers.filter((other) => other !== handler));
    return this;
  }

  removeAllListeners(): this {
    this.#handlers.clear();
    return this;
  }

  /** Always `true`: what the driver may have in flight is bounded elsewhere. */
  write(
    bytes: Uint8Array,
    onWritten?: (error?: Error | null) => void,
  ): boolean {
    if (this.#madeUp !== undefined) this.#send(bytes, onWritten);
    else if (isPriming(bytes)) this.#prime(bytes);
    else if (isLookUp(bytes)) {
      this.#owner.onLookUp(
        () => this.#send(bytes),
        () => this.deliver(answerLookUp(bytes)),
      );
    } else this.#send(bytes, onWritten);
    return true;
  }

  end(): void {
    this.#owner.onDestroy();
  }

  destroy(): void {
    this.#owner.onDestroy();
  }

  pause(): void {
    this.#owner.onPause();
  }

  resume(): void {
    this.#owner.onResume();
  }

  /** Gives the driver bytes from the server; answers what it threw over them, if so. */
  deliver(bytes: Uint8Array): unknown {
    try {
      this.#emit("data", bytes);
    } catch (fault) {
      return fault ?? new Error("Cannot go on: the driver threw nothing");
    }
    return undefined;
  }

  /**
   * Ends a command for the driver: it forgets the rows of one that did not end
   * well, and asks for the end of a cursor over nothing.
   */
  endCommand(): void {
    endCommand(this.#madeUp!);
    this.deliver(this.#madeUp!);
  }

  /** Makes the driver settle all that it holds, streams too. */
  fail(error: Error): void {
    this.#emit("error", error);
  }

  #send(all: Uint8Array, onWritten?: (error?: Error | null) => void): void {
    const bytes = this.outgoing.filter(all);
    if (bytes.length > 0) this.#owner.onWrite(bytes, onWritten);
    else if (onWritten !== undefined) queueMicrotask(onWritten);
  }

  #prime(bytes: Uint8Array): void {
    this.#madeUp = bytes;
    answerPriming(bytes);
    queueMicrotask(() => this.deliver(bytes));
  }

  #emit(event: string, argument: unknown): void {
    const handlers = this.#handlers.get(event);
    if (handlers === undefined) return;
    for (const handler of handlers) handler(argument);
  }
}
