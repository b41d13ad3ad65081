/**
 * How transactions and their savepoints begin and end, on a lease.
 *
 * @module
 */

import { rejectAwaited, withoutFrames } from "./call_site.ts";
import type { Statement } from "./driver/connection.ts";
import { type Brackets, isRollback, Savepoints } from "./brackets.ts";
import { isServerFailure } from "./error_text.ts";
import { HeldScope } from "./held_scope.ts";
import {
  ConnectionBusyError,
  ConnectionLostError,
  type ConnectionLostPhase,
  PoolError,
  TransactionFinishedError,
  type TransactionOutcome,
} from "./pool_errors.ts";
import type { Lease } from "./lease.ts";
import type { QueryLimits } from "./sql.ts";
import type { StatementMaker } from "./statement_maker.ts";

/** Resolves once that was executed which stands before a commit, also in a `Promise.all()`: it goes first. */
async function executed(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await undefined;
}

/** What has a beginning and an end on a lease, and runs queries in between: a transaction or a savepoint. */
export abstract class BracketedScope extends HeldScope {
  readonly lease: Lease;
  readonly savepoints: Savepoints;
  readonly #brackets: Brackets;
  /** Whether the lease ends with it. */
  readonly #ownsLease: boolean;
  readonly #outer: BracketedScope | undefined;
  /** Whether a callback runs in it, whose end is its own. */
  isCallback = false;
  #outcome: TransactionOutcome | undefined;
  /** Its commit or rollback, while that is under way. */
  #ending: Promise<void> | undefined;
  /** Resolves once that is over. What came of it is told to who asked for it, and unheard if he does not listen. */
  #over: Promise<void> | undefined;
  #preparedName: string | undefined;
  #firstError: { readonly error: unknown } | undefined;
  #unknownError: { readonly error: unknown } | undefined;

  constructor(
    lease: Lease,
    brackets: Brackets,
    ownsLease: boolean,
    outer?: BracketedScope,
  ) {
    super();
    this.lease = lease;
    this.#brackets = brackets;
    this.#ownsLease = ownsLease;
    this.#outer = outer;
    this.savepoints = outer?.savepoints ?? new Savepoints();
  }

  override get maker(): StatementMaker {
    return this.lease.maker;
  }

  get outcome(): TransactionOutcome | undefined {
    return this.#outcome;
  }

  /** The error after which the server may refuse what comes, if there was one. */
  get firstError(): { readonly error: unknown } | undefined {
    return this.#firstError;
  }

  /** The error of a statement that its server may not know of, if there was one. */
  get unknownError(): { readonly error: unknown } | undefined {
    return this.#unknownError;
  }

  /** Its commit or rollback, while that is under way. */
  get ending(): Promise<void> | undefined {
    return this.#ending;
  }

  /** Sends what begins it. */
  async open(): Promise<this> {
    try {
      await undefined; // what was executed before goes first
      await this.#command("begin", this.#brackets.begin);
    } catch (error) {
      if (this.#outer !== undefined) this.savepoints.undo(this.#brackets);
      throw error;
    }
    return this;
  }

  override hold(): void {
    this.lease.hold();
  }

  override claim(): void {
    this.lease.claim();
  }

  override runWithin(statement: Statement, limits: QueryLimits): void {
    const ended = this.#ended;
    if (ended !== undefined) return this.#turnAway(statement, ended);
    // As the driver: the error comes out of the transaction, awaited or not. A
    // server refuses to commit after its own; of others, as of what was never
    // sent or of a row that its reader cannot take, a callback's end tells alone.
    statement.watchError((error) => {
      const { isSent } = statement;
      const isKnown = isSent && isServerFailure(error);
      if (isSent) this.#firstError ??= { error };
      if (!isKnown) this.#unknownError ??= { error };
      return isKnown || this.isCallback;
    });
    this.lease.runWithin(statement, limits);
  }

  override cancel(statement: Statement): void {
    this.lease.cancel(statement);
  }

  commit(): Promise<void> {
    return this.#endBy("commit", async () => {
      await executed();
      try {
        await this.#settle();
      } finally {
        if (this.#outcome !== undefined) await this.#leave();
      }
      if (this.#outcome === "rolled back" || this.#outcome === "unknown") {
        const wasRefused = this.#endedWith === undefined;
        const cause = this.#firstError?.error ??
          (wasRefused ? new Error("A statement had failed") : undefined);
        const options = cause === undefined ? undefined : { cause };
        throw new TransactionFinishedError("commit", this.#outcome, options);
      }
    });
  }

  async #settle(): Promise<void> {
    this.#outcome = "unknown";
    try {
      this.#outcome =
        await (this.#outer === undefined ? this.#commit() : this.#keep());
    } catch (error) {
      await this.#onRefused(error);
      throw error;
    }
  }

  /** Ends it, if nothing has; whoever leaves it waits for that. */
  #endBy(action: string, end: () => Promise<void>): Promise<void> {
    const fault = this.fault(action);
    if (fault !== undefined) return Promise.reject(fault);
    let settle!: () => void;
    this.#over = new Promise((resolve) => settle = resolve);
    return this.#ending = end().finally(() => {
      this.#ending = undefined;
      settle();
    });
  }

  async #commit(): Promise<TransactionOutcome> {
    const name = this.#preparedName;
    const sql = name === undefined
      ? this.#brackets.commit
      : `prepare transaction '${name}'`;
    const result = await this.#command("commit", sql);
    if (isRollback(result)) return "rolled back";
    return name === undefined ? "committed" : "prepared";
  }

  /** The same of a savepoint, which may have been undone since that was called, or what it is in ended. */
  async #keep(): Promise<TransactionOutcome> {
    for (let at = this.#outer; at !== undefined; at = at.#outer) await at.#over;
    if (this.#endedWith !== undefined) return this.#endedWith;
    // With those that were made after it and go on, it is released by the commit:
    // of the server it is only asked whether a statement had failed.
    const isLast = this.savepoints.isLast(this.#brackets);
    await this.#command("commit", isLast ? this.#brackets.commit : "select");
    this.savepoints.keep(this.#brackets);
    return "committed";
  }

  /**
   * A commit failed. Where the server refused it was rolled back; otherwise
   * nobody knows, unless it was not sent: refused by us, it can go on.
   */
  async #onRefused(error: unknown): Promise<void> {
    if (error instanceof ConnectionBusyError) {
      this.#outcome = undefined;
      return;
    }
    if (error instanceof PoolError) {
      const isUnsent = error instanceof ConnectionLostError && !error.sent;
      if (isUnsent) this.#outcome = "rolled back";
      return;
    }
    this.#outcome = "rolled back";
    // What a savepoint is in goes on without it, unless that has ended.
    if (this.#outer === undefined || this.#endedWith !== undefined) return;
    this.savepoints.undo(this.#brackets);
    await this.#command("rollback", this.#brackets.rollback).catch(() => {});
  }

  rollback(): Promise<void> {
    return this.#endBy("roll back", async () => {
      this.#outcome = "rolled back";
      const left = this.lease.endOpen(() => this.fault("go on")!);
      try {
        // It may have been undone before, with another or what it is in. Else it
        // takes its place now: ahead of what comes while that which is open ends.
        if (this.#endedWith !== "rolled back") await this.#undo();
        await left;
      } catch (error) {
        // A session that died has rolled back.
        if (!(error instanceof ConnectionLostError)) throw error;
      } finally {
        await this.#leave();
      }
    });
  }

  /** Those that are made from now on are not undone with it. */
  #undo(): Promise<unknown> {
    this.savepoints.undo(this.#brackets);
    return this.lease.bounded(
      this.#command("rollback", this.#brackets.rollback),
    );
  }

  override async end(): Promise<void> {
    await this.#over;
    if (this.#ended !== undefined) return;
    if (this.#ownsLease) {
      this.#outcome = "rolled back";
      await this.#leave();
    } else {
      // Whatever keeps it from rolling back has ended the session, or will when
      // the lease is released: it is no reason to hide the error on its way out.
      await this.rollback().catch(() => this.lease.destroy());
    }
  }

  /** Has the transaction that it is, or is in, end by being prepared. */
  prepareAs(name: string): void {
    this.#outermost.#preparedName = name;
  }

  /** The transaction that it is, or is in. */
  get #outermost(): BracketedScope {
    return this.#outer === undefined ? this : this.#outer.#outermost;
  }

  /** How it ended, or what it is in, if one has; to ask costs no error. */
  get #ended(): TransactionOutcome | undefined {
    return this.#outcome ?? this.#endedWith;
  }

  /** How what it is in ended, or another of which the server thinks so. */
  get #endedWith(): TransactionOutcome | undefined {
    if (this.#outer === undefined) return undefined;
    if (!this.savepoints.has(this.#brackets)) return "rolled back";
    return this.#outer.#ended;
  }

  /** Why it can do nothing any more, if so. */
  fault(action: string): Error | undefined {
    const ended = this.#ended ?? (this.#ending && "unknown");
    return ended && new TransactionFinishedError(action, ended);
  }

  /** A query came too late; where nobody awaits it, it is missed in what is committed, if in anything. */
  #turnAway(statement: Statement, ended: TransactionOutcome): void {
    const make = () => new TransactionFinishedError("run a query", ended);
    const fault = withoutFrames(make);
    if (ended === "rolled back" || this.lease.isLost) statement.fail(fault);
    else statement.refuse(fault);
  }

  async #leave(): Promise<void> {
    if (this.#outer === undefined) this.lease.leaveTransaction(this.#brackets);
    if (this.#ownsLease) await this.lease.release();
  }

  async #command(phase: ConnectionLostPhase, sql: string): Promise<unknown> {
    try {
      return await this.lease.command(sql, phase);
    } catch (error) {
      if (error instanceof ConnectionBusyError) return rejectAwaited(error);
      if (!(error instanceof ConnectionLostError)) throw error;
      const { sent, sqlState, cause } = error;
      throw new ConnectionLostError({ sent, phase, sqlState, cause });
    }
  }
}
