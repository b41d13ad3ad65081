/**
 * The statements of one connection, in the order of their replies.
 *
 * @module
 */

import type { Statement, UnderWay } from "./connection.ts";
import { type Queued, StatementQueue } from "./statement_queue.ts";

/** A statement as a session needs it: what the driver's own queries can tell and do. */
export interface SessionStatement extends Statement, Queued<SessionStatement> {
  /** Whether it is SQL of our own. */
  readonly isCommand: boolean;
  /** Whether it may be, or hold, a COPY. */
  readonly mayCopy: boolean;
  /** Whether it is a cursor whose rows are with its user, or a COPY that he has not ended. */
  readonly isSuspended: boolean;
  /** Whether its caller has gone while it may run; not of one that was never written. */
  readonly isOrphan: boolean;
  /** Whether it is a cursor or COPY that its user may go on with. */
  readonly isOpen: boolean;
  /** Whether it is a COPY whose reader has left it, so that what comes of it is for nobody. */
  readonly isLeft: boolean;
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
  /** Keeps the driver from settling it, until what this answers is called. */
  shield(): () => void;
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
export class StatementLine implements UnderWay {
  readonly #execute: Execute;
  readonly #onDropped: (statement: SessionStatement) => void;
  readonly #running = new StatementQueue<SessionStatement>();
  readonly #again = new StatementQueue<SessionStatement>();
  readonly #lane = new StatementQueue<SessionStatement>();
  /** The first of those that the driver has and did not write. */
  #unsent: SessionStatement | undefined;
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

  /** The oldest that is with the driver: what comes is its reply. */
  get head(): SessionStatement | undefined {
    return this.#running.head;
  }

  get isSuspended(): boolean {
    return this.head?.isSuspended ?? false;
  }

  get lastUnsent(): SessionStatement | undefined {
    return this.#lane.tail ?? this.#again.tail;
  }

  /** Whether what comes is for nobody. */
  get isLeft(): boolean {
    return this.mayCancel || this.head?.isLeft === true;
  }

  get isFinishing(): boolean {
    const { head } = this;
    if (head === undefined || this.length > 1) return false;
    return head.isLasting && head.isAnswered && !head.isOpen &&
      !head.isAbandoned;
  }

  get mayCancel(): boolean {
    return this.#running.length > 0 && this.#running.every(isOrphan);
  }

  get isAbandoned(): boolean {
    return this.#running.every(isAwaitedByNobody) &&
      this.#again.every(isAwaitedByNobody) &&
      this.#lane.every(isAwaitedByNobody);
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
    for (let at = this.#unsent; at !== undefined; at = at.next) {
      at.isSent = true;
    }
    this.#unsent = undefined;
  }

  /** The oldest were answered; answers how many have ended. */
  end(replies: number): number {
    const ended = new StatementQueue<SessionStatement>();
    for (let left = replies; left > 0; left--) {
      const statement = this.#leave();
      if (statement === undefined) break;
      if (!this.#putBack(statement)) ended.push(statement);
    }
    const { length } = ended;
    this.#advance();
    // Last, because whoever is told may add to the line.
    for (let at = ended.shift(); at !== undefined; at = ended.shift()) at.end();
    return length;
  }

  /** Fails those of the lane that have a refusal: what they stand behind waits for its user. */
  refuseStuck(): void {
    for (const statement of this.#lane.takeAll()) {
      if (statement.refusal === undefined) this.#lane.push(statement);
      else {
        statement.refuse(statement.refusal());
        this.#onDropped(statement);
      }
    }
  }

  abandonOpen(makeError: () => Error): void {
    for (const line of [this.#running, this.#again, this.#lane]) {
      for (const statement of line) {
        const isOpen = statement.isOpen && !statement.isAbandoned;
        if (isOpen) statement.abandon(makeError());
      }
    }
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
    const lines = [this.#running, this.#again, this.#lane];
    const all = lines.flatMap((line) => line.takeAll());
    this.#unsent = undefined;
    const shields = all.map((statement) => statement.shield());
    settleDriver();
    for (const lift of shields) lift();
    const ours = all.filter(({ isCommand }) => isCommand);
    for (const statement of ours) statement.fail(lostError(statement.isSent));
    return all.filter(({ isCommand }) => !isCommand);
  }

  /** The first of those with the driver, which has it no more. */
  #leave(): SessionStatement | undefined {
    const first = this.#running.shift();
    // It is gone: the next write is not of it.
    if (this.#unsent === first) this.#unsent = this.#running.head;
    return first;
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
      if (this.#again.length > 0) this.#lane.putBefore(this.#again.takeAll());
    }
    let next = this.#lane.head;
    for (; next !== undefined && this.#mayStart(next); next = this.#lane.head) {
      this.#lane.shift();
      this.#start(next);
    }
  }

  /**
   * One that lasts runs alone: nothing of others may come in between. And behind
   * what nobody awaits, it would be in the way of a cancel request.
   */
  #mayStart(statement: SessionStatement): boolean {
    if (this.#isBlocked || this.#isHeld || this.mayCancel) return false;
    return this.#running.length === 0 || !statement.isLasting;
  }

  #start(statement: SessionStatement): void {
    if (statement.isAbandoned) return this.#onDropped(statement);
    const { head } = this;
    // Before it is handed over: a long one is written at once, and is sent then.
    this.#running.push(statement);
    this.#unsent ??= statement;
    if (this.#execute(statement, head)) {
      this.#isBlocked = statement.isBlocking;
      return;
    }
    this.#running.remove(statement);
    if (this.#unsent === statement) this.#unsent = undefined;
    this.#onDropped(statement);
  }
}

function isOrphan(statement: SessionStatement): boolean {
  return statement.isOrphan;
}

function isAwaitedByNobody(statement: SessionStatement): boolean {
  return statement.isAbandoned || statement.isAnswered || statement.isOpen;
}
