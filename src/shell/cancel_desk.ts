/**
 * Statements that nobody awaits any more.
 *
 * @module
 */

import { isStuck, type Statement } from "../driver/connection.ts";
import type { Member } from "./member.ts";
import type { PoolShell } from "./pool_shell.ts";

// How long a cancel request is given to end the statement before it is repeated.
const REPEAT_MS = 50;

/**
 * Ends abandoned statements on the server.
 *
 * A cancel request names a session, not a statement. So it is sent only when
 * every statement that runs on the connection was abandoned: then it can hit
 * nobody. What does not end by it is cut.
 */
export class CancelDesk {
  readonly #shell: PoolShell;

  constructor(shell: PoolShell) {
    this.#shell = shell;
  }

  /** The caller of a statement on `member` has gone, with this error. */
  giveUp(member: Member, statement: Statement, error: unknown): void {
    statement.abandon(error);
    this.abandon(member);
  }

  /** Ends the cursors and COPYs that are open on `member`, and what its user left before; at once, if it can. */
  endOpen(member: Member, makeError: () => Error): Promise<void> | undefined {
    const { connection } = member;
    if (connection.underWay.isSuspended) {
      return this.#endSuspended(member, makeError);
    }
    if (connection.inFlight > 0) this.#abandonOpen(member, makeError);
    return undefined;
  }

  /** One whose loop was just left ends by itself. */
  async #endSuspended(member: Member, makeError: () => Error): Promise<void> {
    await isStuck(member.connection.underWay);
    this.#abandonOpen(member, makeError);
  }

  #abandonOpen(member: Member, makeError: () => Error): void {
    const { connection } = member;
    connection.underWay.abandonOpen(makeError);
    if (connection.underWay.mayCancel) this.abandon(member);
  }

  /** A statement on `member` was abandoned. */
  abandon(member: Member): void {
    const { connection, slot } = member;
    const now = this.#shell.now();
    member.hasAbandoned = true;
    this.#shell.feed({ kind: "isolate", now, slot });
    if (!connection.underWay.mayCancel) return;
    if (!connection.isCancelling) this.#send(member);
    member.cancelAlarm ??= this.#shell.alarms.add(
      now + this.#shell.options.releaseTimeoutMs,
      () => connection.destroy(),
    );
  }

  /** Cancels; again if that came before the statement did: a server ignores it then. */
  #send(member: Member): void {
    const { connection } = member;
    connection.cancel().then(
      () =>
        connection.underWay.mayCancel
          ? this.insist(member)
          : this.#calm(member),
      () => connection.destroy(),
    );
  }

  /** Nothing is left to be cut, unless a request is under way: others wait for its end. */
  #calm(member: Member): void {
    if (!member.connection.isCancelling) this.forget(member);
  }

  /** Cancels again what `member` still runs a little later, until it ends. */
  insist(member: Member): void {
    const { connection } = member;
    if (connection.inFlight === 0) return;
    const now = this.#shell.now();
    this.#shell.alarms.drop(member.repeatAlarm);
    member.repeatAlarm = this.#shell.alarms.add(now + REPEAT_MS, () => {
      if (connection.underWay.mayCancel && !connection.isCancelling) {
        this.#send(member);
      }
    });
  }

  /**
   * Statements on `member` ended: those that are left may all be abandoned now.
   * Each has its own time, and one that is awaited is not cut.
   */
  follow(member: Member): void {
    if (!member.hasAbandoned) return;
    this.#calm(member);
    if (member.connection.inFlight > 0) return this.abandon(member);
    member.hasAbandoned = false;
  }

  /** The connection is gone, or has nothing left to cancel. */
  forget(member: Member): void {
    this.#shell.alarms.drop(member.cancelAlarm);
    this.#shell.alarms.drop(member.repeatAlarm);
    member.cancelAlarm = undefined;
    member.repeatAlarm = undefined;
  }
}
