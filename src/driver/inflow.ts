/**
 * What a server sends, on its way to the driver.
 *
 * @module
 */

import { runWithoutFrames } from "../call_site.ts";
import type { DriverSocket } from "./driver_socket.ts";
import { halted, unasked } from "./session_faults.ts";
import type { StatementLine } from "./statement_line.ts";
import type { ServerError } from "./server_error.ts";
import type { Wire } from "./wire.ts";

/** Whose server it is. */
export interface InflowOwner {
  /** This came before the session began; the driver did not see it yet. */
  onStart(bytes: Uint8Array): void;
  /** So many statements have ended; none, when one has come to wait for its user. */
  onEnded(count: number): void;
  /** The session cannot go on. */
  onBroken(cause: unknown): void;
  /** The server said that it ends the session. */
  onFatal(error: ServerError): void;
}

/**
 * Passes what a server sends to the driver, a reply at a time where the driver
 * is to be put in order before it sees the next.
 */
export class Inflow {
  readonly #wire: Wire;
  readonly #line: StatementLine;
  readonly #driverSocket: DriverSocket;
  readonly #owner: InflowOwner;
  #readies = 0;
  #hasBegun = false;
  #isOver = false;

  constructor(
    wire: Wire,
    line: StatementLine,
    driverSocket: DriverSocket,
    owner: InflowOwner,
  ) {
    this.#wire = wire;
    this.#line = line;
    this.#driverSocket = driverSocket;
    this.#owner = owner;
  }

  /** The session has begun: what ends from now on is a statement. */
  begin(): void {
    this.#readies = this.#wire.readies;
    this.#hasBegun = true;
  }

  /** The session is over: what is left of what came is for nobody. */
  stop(): void {
    this.#isOver = true;
  }

  /** Takes what came. */
  receive(bytes: Uint8Array): void {
    let start = 0;
    for (let at = 0; at < bytes.length && !this.#isOver;) {
      try {
        at = this.#wire.receive(bytes, at);
      } catch (cause) {
        return this.#owner.onBroken(cause);
      }
      const mustPass = this.#wire.hasFailed || this.#line.head?.isLasting ||
        this.#wire.isBeforeError(bytes, at);
      if (at < bytes.length && !mustPass) continue;
      const isAll = at - start === bytes.length;
      this.#pass(isAll ? bytes : bytes.subarray(start, at));
      start = at;
    }
  }

  #pass(bytes: Uint8Array): void {
    if (!this.#hasBegun) return this.#owner.onStart(bytes);
    const wire = this.#wire;
    const line = this.#line;
    const isUnasked = wire.takeCopyStart() && !line.head?.mayCopy;
    if (isUnasked) return this.#owner.onBroken(unasked());
    const fault = wire.isAtError
      ? runWithoutFrames(() => this.#driverSocket.deliver(bytes))
      : this.#driverSocket.deliver(bytes);
    if (fault !== undefined) return this.#owner.onBroken(fault);
    if (wire.readies > this.#readies) this.#end();
    else if (line.head?.isEndedCursor && wire.isAmongRows) {
      this.#owner.onBroken(halted());
    } else if (line.head?.isLasting && wire.isEmpty) {
      this.#driverSocket.endCommand();
    }
    if (line.head?.isSuspended) this.#owner.onEnded(0);
    if (wire.fatal !== undefined) this.#owner.onFatal(wire.fatal);
  }

  #end(): void {
    const wire = this.#wire;
    const replies = wire.readies - this.#readies;
    this.#readies = wire.readies;
    const { head } = this.#line;
    if (wire.hasFailed || head?.isLasting || head?.mayCopy) {
      wire.hasFailed = false;
      this.#driverSocket.endCommand();
      // The driver leaves it paused when a COPY ends before its reader.
      this.#driverSocket.resume();
    }
    this.#owner.onEnded(this.#line.end(replies));
  }
}
