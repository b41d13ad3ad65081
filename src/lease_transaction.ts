/**
 * Transactions and their savepoints, on a lease.
 *
 * @module
 */

import { withoutFrames } from "./call_site.ts";
import { isTemplate, type Statement } from "./driver/connection.ts";
import { type Brackets, Savepoints } from "./brackets.ts";
import { HeldScope } from "./held_scope.ts";
import {
  type Callback,
  preparedNameFault,
  readBegin,
  readTransactionOptions,
  type TransactionOptions,
} from "./options/begin_options.ts";
import {
  ConnectionLostError,
  type ConnectionLostPhase,
  TransactionFinishedError,
  type TransactionOutcome,
} from "./pool_errors.ts";
import type { Lease } from "./lease.ts";
import type { QueryLimits } from "./sql.ts";
import type { StatementMaker } from "./statement_maker.ts";
import type { Transaction } from "./transaction.ts";
import { runIn } from "./transaction_callback.ts";

/** A transaction or a savepoint, on one lease. */
export class LeaseTransaction extends HeldScope {
  readonly #lease: Lease;
  readonly #brackets: Brackets;
  /** Whether the lease ends with it. */
  readonly #ownsLease: boolean;
  readonly #outer: LeaseTransaction | undefined;
  #outcome: TransactionOutcome | undefined;
  /** Settles when its commit may be sent, once that was called. */
  #turn: Promise<void> | undefined;
  #preparedName: string | undefined;
  readonly #savepoints: Savepoints;
  #firstError: { readonly error: unknown } | undefined;
  #unsentError: { readonly error: unknown } | undefined;

  constructor(
    lease: Lease,
    brackets: Brackets,
    ownsLease: boolean,
    outer?: LeaseTransaction,
  ) {
    super();
    this.#lease = lease;
    this.#brackets = brackets;
    this.#ownsLease = ownsLease;
    this.#outer = outer;
    this.#savepoints = outer === undefined
      ? new Savepoints()
      : outer.#savepoints;
  }

  override get maker(): StatementMaker {
    return this.#lease.maker;
  }

  /** This, as its user sees it. */
  get public(): Transaction {
    return this as unknown as Transaction;
  }

  get outcome(): TransactionOutcome | undefined {
    return this.#outcome;
  }

  /** The error that made the server refuse what came after it, if one did. */
  get firstError(): { readonly error: unknown } | undefined {
    return this.#firstError;
  }

  /** The error of a statement that failed before it was sent, if one did. */
  get unsentError(): { readonly error: unknown } | undefined {
    return this.#unsentError;
  }

  /** Sends what begins it. */
  async open(): Promise<this> {
    try {
      await this.#command("begin", this.#brackets.begin);
    } catch (error) {
      if (this.#outer !== undefined) this.#savepoints.undo(this.#brackets);
      throw error;
    }
    return this;
  }

  override hold(): void {
    this.#lease.hold();
  }

  override claim(): void {
    this.#lease.claim();
  }

  override runWithin(statement: Statement, limits: QueryLimits): void {
    const fault = this.#queryFault();
    if (fault !== undefined) return statement.fail(fault);
    // As the driver: the error comes out of the transaction, awaited or not.
    statement.watchError((error) => {
      if (statement.isSent) this.#firstError ??= { error };
      else this.#unsentError ??= { error };
    });
    this.#lease.runWithin(statement, limits);
  }

  override cancel(statement: Statement): void {
    this.#lease.cancel(statement);
  }

  async commit(): Promise<void> {
    const fault = this.#fault("commit");
    if (fault !== undefined) throw fault;
    this.#turn = this.#awaitTurn();
    await this.#turn;
    this.#outcome = "unknown";
    try {
      this.#outcome = await this.#keep();
    } catch (error) {
      // The server refused: then it rolled back. Otherwise nobody knows.
      if (!(error instanceof ConnectionLostError)) {
        this.#outcome = "rolled back";
        await this.#undoSavepoint();
      } else if (!error.sent) this.#outcome = "rolled back";
      throw error;
    } finally {
      await this.#leave();
    }
    if (this.#outcome === "rolled back") {
      throw new TransactionFinishedError("commit", this.#outcome, {
        cause: this.#firstError?.error ?? new Error("A statement had failed"),
      });
    }
  }

  /** Lets go first what was executed before the commit. */
  async #awaitTurn(): Promise<void> {
    await undefined;
    try {
      await this.#lease.leaveCursor("commit");
    } catch (error) {
      this.#turn = undefined;
      throw error;
    }
  }

  async #keep(): Promise<TransactionOutcome> {
    // With those that were made after it and go on, it is released by the commit.
    const isInUse = this.#outer !== undefined &&
      !this.#savepoints.keep(this.#brackets);
    if (isInUse) return "committed";
    const name = this.#preparedName;
    const sql = name === undefined
      ? this.#brackets.commit
      : `prepare transaction '${name}'`;
    const result = await this.#command("commit", sql);
    if (isRollback(result)) return "rolled back";
    return name === undefined ? "committed" : "prepared";
  }

  async rollback(): Promise<void> {
    const fault = this.#fault("roll back");
    if (fault !== undefined) throw fault;
    this.#outcome = "rolled back";
    if (this.#outer !== undefined) this.#savepoints.undo(this.#brackets);
    const left = this.#lease.endOpen(() => this.#fault("go on")!);
    if (left !== undefined) await left;
    try {
      await this.#lease.bounded(
        this.#command("rollback", this.#brackets.rollback),
      );
    } catch (error) {
      // A session that died has rolled back.
      if (!(error instanceof ConnectionLostError)) throw error;
    } finally {
      await this.#leave();
    }
  }

  savepoint(first?: unknown, ...rest: readonly unknown[]): Promise<unknown> {
    const [second] = rest;
    if (isTemplate(first)) {
      return this.savepoint((tx: Transaction) => tx(first, ...rest as never[]));
    }
    const fault = this.#fault("make a savepoint");
    if (fault !== undefined) return Promise.reject(fault);
    const fn = typeof first === "function" ? first : second;
    const label = typeof first === "string" ? first : "";
    const inner = this.#inner(label).open();
    if (typeof fn !== "function") return inner;
    return inner.then((savepoint) => runIn(savepoint, fn as Callback));
  }

  /** As the driver: a transaction in a transaction is a savepoint. */
  async begin(first?: unknown, second?: unknown): Promise<unknown> {
    const { fn, wait } = readBegin(first, second);
    wait.signal?.throwIfAborted();
    return await this.savepoint(fn);
  }

  async transaction<T>(
    fn: (tx: Transaction) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    readTransactionOptions(options).wait.signal?.throwIfAborted();
    return await runIn(await this.savepoint() as LeaseTransaction, fn) as T;
  }

  /** As the driver: said in a savepoint, too, it is the transaction's end. */
  prepare(name: string): Promise<void> {
    const fault = this.#fault("prepare") ?? preparedNameFault(name);
    if (fault !== undefined) return Promise.reject(fault);
    const allowed = name.replace(/[^a-z0-9$\-_. ]/gi, "");
    this.#outermost.#preparedName = allowed;
    return Promise.resolve();
  }

  reserve(): ReturnType<Lease["reserve"]> {
    return this.#lease.reserve();
  }

  override async end(): Promise<void> {
    await this.#turn?.catch(() => {});
    if (this.#ended !== undefined) return;
    if (this.#ownsLease) {
      this.#outcome = "rolled back";
      await this.#leave();
    } else {
      // Whatever keeps it from rolling back has ended the session, or will when
      // the lease is released: it is no reason to hide the error on its way out.
      await this.rollback().catch(() => this.#lease.destroy());
    }
  }

  #inner(label: string): LeaseTransaction {
    const brackets = this.#savepoints.make(label);
    return new LeaseTransaction(this.#lease, brackets, false, this);
  }

  /** The transaction that it is, or is in. */
  get #outermost(): LeaseTransaction {
    return this.#outer === undefined ? this : this.#outer.#outermost;
  }

  /** How it ended, or what it is in, if one has; to ask costs no error. */
  get #ended(): TransactionOutcome | undefined {
    if (this.#outcome !== undefined) return this.#outcome;
    if (this.#outer === undefined) return undefined;
    // Undone with another of which the server thinks that it is in it.
    if (!this.#savepoints.has(this.#brackets)) return "rolled back";
    return this.#outer.#ended;
  }

  /** Why it can do nothing any more, if so. */
  #fault(action: string): Error | undefined {
    const ended = this.#ended ?? (this.#turn && "unknown");
    return ended && new TransactionFinishedError(action, ended);
  }

  /** The same of a query, whose line it has in the place of frames of ours. */
  #queryFault(): Error | undefined {
    const ended = this.#ended;
    return ended &&
      withoutFrames(() => new TransactionFinishedError("run a query", ended));
  }

  /** A savepoint that cannot be kept: what it is in goes on without it. */
  async #undoSavepoint(): Promise<void> {
    if (this.#outer === undefined) return;
    await this.#command("rollback", this.#brackets.rollback).catch(() => {});
  }

  async #leave(): Promise<void> {
    if (this.#outer === undefined) this.#lease.leaveTransaction(this.#brackets);
    if (this.#ownsLease) await this.#lease.release();
  }

  async #command(phase: ConnectionLostPhase, sql: string): Promise<unknown> {
    try {
      return await this.#lease.command(sql);
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      const { sent, sqlState, cause } = error;
      throw new ConnectionLostError({ sent, phase, sqlState, cause });
    }
  }
}

/** A COMMIT of a failed transaction is answered as what it did. */
function isRollback(result: unknown): boolean {
  return (result as { command?: unknown } | null)?.command === "ROLLBACK";
}
