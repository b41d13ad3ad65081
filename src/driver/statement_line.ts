/**
 * The statements of one connection, in the order of their replies.
 *
 * @module
 */

import type { Statement } from "./connection.ts";

/** A statement as a session needs it: what the driver's own queries can tell and do. */
export interface SessionStatement extends Statement {
  /** Whether it is SQL of our own. */
  readonly isCommand: boolean;
  /** Whether it may be, or hold, a COPY. */
  readonly mayCopy: boolean;
  /** Whether it is a cursor whose rows are with its user. */
  readonly isSuspended: boolean;
  /** Whether it was answered without having run, and is to be run again. */
  readonly mustRunAgain: boolean;
  /** Whether nothing may be written behind it until it ends. */
  readonly isBlocking: boolean;
  /** Whether it lasts: a cursor or a COPY stream. */
  readonly isLasting: boolean;
  /** Whether it is a cursor that the driver takes for ended. */
  readonly isEndedCursor: boolean;
  isSent: boolean;
  /** Nothing of it is left on the wire. */
  end(): void;
  /** Keeps the driver from settling it. */
  shield(): void;
  /** Undoes `shield`. */
  unshield(): void;
}

/** Hands a statement to the driver; answers whether a reply will come of it. */
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
  readonly #onDropped: (statement: SessionStatement) => void;
  #running: SessionStatement[] = [];
  #again: SessionStatement[] = [];
  #lane: SessionStatement[] = [];
  #unsentFrom = 0;
  #isBlocked = false;
  #isHeld = false;

  /** `onDropped` is to end each statement that will not be written. */
  constructor(
    execute: Execute,
    onDropped: (statement: SessionStatement) => void,
  ) {
    this.#execute = execute;
    this.#onDropped = onDropped;
  }

  /** How many are under way. */
  get length(): number {
    return this.#running.length + this.#again.length + this.#lane.length;
  }

  /** Whether a cursor or a COPY stream is open. */
  get isLasting(): boolean {
    return this.#running.length > 0 && this.#running[0]!.isLasting;
  }

  /** Whether a COPY that begins now was asked for. */
  get mayCopy(): boolean {
    return this.#running.length > 0 && this.#running[0]!.mayCopy;
  }

  /** Whether a cursor is open, and waits for its user. */
  get isSuspended(): boolean {
    return this.#running.length > 0 && this.#running[0]!.isSuspended;
  }

  /** Whether the one that runs is a cursor that the driver takes for ended. */
  get isEndedCursor(): boolean {
    return this.#running.length > 0 && this.#running[0]!.isEndedCursor;
  }

  /** Whether something runs, and nobody waits any more for what does. */
  get mayCancel(): boolean {
    return this.#running.length > 0 && this.#running.every(isAbandoned);
  }

  /** Whether nobody waits for any of them any more. */
  get isAbandoned(): boolean {
    return this.#running.every(isAbandoned) &&
      this.#again.every(isAbandoned) && this.#lane.every(isAbandoned);
  }

  /** Adds a statement behind all others. */
  add(statement: SessionStatement): void {
    if (this.#lane.length === 0 && this.#mayStart(statement)) {
      this.#start(statement);
    } else this.#lane.push(statement);
  }

  /** Lets nothing more be written until `resume`: a cancel request is under way. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Undoes `hold`. */
  resume(): void {
    this.#isHeld = false;
    this.#advance();
  }

  /** The driver wrote: all it holds may have run. */
  markSent(): void {
    const running = this.#running;
    for (; this.#unsentFrom < running.length; this.#unsentFrom++) {
      running[this.#unsentFrom]!.isSent = true;
    }
  }

  /** The oldest were answered; answers how many have ended. */
  end(replies: number): number {
    const answered = this.#running.splice(0, replies);
    this.#unsentFrom = Math.max(0, this.#unsentFrom - answered.length);
    const ended = answered.filter((statement) => !this.#putBack(statement));
    this.#advance();
    // Last, because whoever is told may add to the line.
    for (const statement of ended) statement.end();
    return ended.length;
  }

  /** Gives each caller an error; the statements themselves go on. */
  abandonEach(lostError: (sent: boolean) => Error): void {
    for (const line of [this.#running, this.#again, this.#lane]) {
      for (const statement of line) {
        if (statement.isAbandoned) continue;
        statement.abandon(lostError(statement.isSent));
      }
    }
  }

  /**
   * Takes all of them out, because the connection is gone; answers those that
   * are a user's. Our own are failed. None is settled by what `settleDriver` does.
   */
  abandonAll(
    settleDriver: () => void,
    lostError: (sent: boolean) => Error,
  ): SessionStatement[] {
    const all = [...this.#running, ...this.#again, ...this.#lane];
    this.#running = [];
    this.#again = [];
    this.#lane = [];
    this.#unsentFrom = 0;
    for (const statement of all) statement.shield();
    settleDriver();
    for (const statement of all) statement.unshield();
    const ours = all.filter(({ isCommand }) => isCommand);
    for (const statement of ours) statement.fail(lostError(statement.isSent));
    return all.filter(({ isCommand }) => !isCommand);
  }

  /** What is to run again goes first, once all that was written has ended. */
  #putBack(statement: SessionStatement): boolean {
    if (!statement.mustRunAgain) return false;
    statement.recall();
    this.#again.push(statement);
    this.#isBlocked = true;
    return true;
  }

  #advance(): void {
    if (this.#running.length === 0) {
      this.#isBlocked = false;
      if (this.#again.length > 0) this.#lane.unshift(...this.#again.splice(0));
    }
    while (this.#lane.length > 0 && this.#mayStart(this.#lane[0]!)) {
      this.#start(this.#lane.shift()!);
    }
  }

  /** One that lasts runs alone: nothing of others may come in between. */
  #mayStart(statement: SessionStatement): boolean {
    if (this.#isBlocked || this.#isHeld) return false;
    return this.#running.length === 0 || !statement.isLasting;
  }

  #start(statement: SessionStatement): void {
    if (statement.isAbandoned) return this.#onDropped(statement);
    const head = this.#running[0];
    // Before it is handed over: a long one is written at once, and is sent then.
    this.#running.push(statement);
    if (this.#execute(statement, head)) {
      this.#isBlocked = statement.isBlocking;
      return;
    }
    this.#running.pop();
    this.#unsentFrom = Math.min(this.#unsentFrom, this.#running.length);
    this.#onDropped(statement);
  }
}

function isAbandoned(statement: SessionStatement): boolean {
  return statement.isAbandoned;
}
