/**
 * The statements of one connection, in the order of their replies.
 *
 * @module
 */

import type { Statement } from "./connection.ts";

/** A statement as a session needs it: what the driver's own queries can tell and do. */
export interface SessionStatement extends Statement {
  /** Whether the driver still works on it: after its reply, that it runs it again. */
  readonly isActive: boolean;
  /** Whether nothing may be written behind it until it ends. */
  readonly isBlocking: boolean;
  /** Whether it lasts: a cursor or a COPY stream. */
  readonly isLasting: boolean;
  isSent: boolean;
  /** Nothing of it is left on the wire. */
  end(): void;
  /** Keeps the driver from settling it. */
  shield(): void;
  /** Undoes `shield`. */
  unshield(): void;
}

/** Hands a statement to the driver; answers whether it is on its way. */
export type Execute = (
  statement: SessionStatement,
  head: SessionStatement | undefined,
) => boolean;

/**
 * Who is with the driver, and who waits in the lane behind a statement that
 * lets nothing be written behind it.
 *
 * The driver has such a queue of its own. Ours replaces it, because what waits
 * here was surely never sent, and may run on another connection.
 */
export class StatementLine {
  readonly #execute: Execute;
  #running: SessionStatement[] = [];
  #lane: SessionStatement[] = [];
  #unsentFrom = 0;
  #isBlocked = false;
  #isHeld = false;
  readonly #onDropped: () => void;

  /** `onDropped` is told of each statement that ended without being written. */
  constructor(execute: Execute, onDropped: () => void) {
    this.#execute = execute;
    this.#onDropped = onDropped;
  }

  /** How many are under way. */
  get length(): number {
    return this.#running.length + this.#lane.length;
  }

  /** Whether a cursor or a COPY stream is open. */
  get isLasting(): boolean {
    return this.#running.length > 0 && this.#running[0]!.isLasting;
  }

  /** Whether nobody waits for any of them any more. */
  get isAbandoned(): boolean {
    return this.#running.every((statement) => statement.isAbandoned) &&
      this.#lane.every((statement) => statement.isAbandoned);
  }

  /** Adds a statement behind all others. */
  add(statement: SessionStatement): void {
    if (this.#isBlocked || this.#isHeld) this.#lane.push(statement);
    else this.#start(statement);
  }

  /** Lets nothing more be written until `resume`: a cancel request is under way. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Undoes `hold`. */
  resume(): void {
    this.#isHeld = false;
    if (this.#running.length === 0) this.#advance();
  }

  /** The driver wrote: all it holds may have run. */
  markSent(): void {
    const running = this.#running;
    for (; this.#unsentFrom < running.length; this.#unsentFrom++) {
      running[this.#unsentFrom]!.isSent = true;
    }
  }

  /** `replies` statements were answered; answers how many have ended. */
  end(replies: number): number {
    let ended = 0;
    for (; replies > 0; replies--) {
      const statement = this.#running.shift();
      if (statement === undefined) break;
      if (this.#unsentFrom > 0) this.#unsentFrom--;
      if (statement.isActive) {
        // A cached plan was no longer valid: the driver runs it again, last.
        this.#running.push(statement);
      } else {
        ended++;
        statement.end();
      }
    }
    if (this.#running.length === 0) this.#advance();
    return ended;
  }

  /** Takes all of them out: the connection is gone. */
  takeAll(): SessionStatement[] {
    const all = [...this.#running, ...this.#lane];
    this.#running = [];
    this.#lane = [];
    this.#unsentFrom = 0;
    return all;
  }

  #advance(): void {
    this.#isBlocked = false;
    if (this.#isHeld) return;
    const lane = this.#lane;
    if (lane.length === 0) return;
    this.#lane = [];
    for (const statement of lane) this.add(statement);
  }

  #start(statement: SessionStatement): void {
    const isOnItsWay = !statement.isAbandoned &&
      this.#execute(statement, this.#running[0]);
    if (isOnItsWay) {
      this.#running.push(statement);
      this.#isBlocked = statement.isBlocking;
    } else {
      statement.end();
      this.#onDropped();
    }
  }
}
