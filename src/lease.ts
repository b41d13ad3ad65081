/**
 * One lease: a connection in the hands of one caller.
 *
 * @module
 */

import {
  readBegin,
  readTransactionOptions,
  type TransactionOptions,
} from "./options/begin_options.ts";
import {
  isStuck,
  type Statement,
  type TransactionStatus,
} from "./driver/connection.ts";
import { withoutFrames } from "./call_site.ts";
import { HeldScope } from "./held_scope.ts";
import { LeaseNotes } from "./lease_notes.ts";
import type { Holder, LeaseKeeper, Member } from "./shell/member.ts";
import {
  ConnectionBusyError,
  type ConnectionLostPhase,
  LeaseReleasedError,
} from "./pool_errors.ts";
import type { PoolShell } from "./shell/pool_shell.ts";
import { limitOnMember } from "./shell/query_limit.ts";
import { cancelError } from "./shell/query_router.ts";
import type { PooledConnection } from "./pooled_connection.ts";
import type { QueryLimits } from "./sql.ts";
import type { StatementMaker } from "./statement_maker.ts";
import type { Transaction } from "./transaction.ts";
import { beginOn, runTransaction } from "./transaction_runner.ts";

const DONE = Promise.resolve();

const IS_OPEN = "a cursor or COPY is open on this connection; " +
  "leave the cursor's loop, or end the COPY, first";

function released(): Error {
  return new LeaseReleasedError("use the connection");
}

/** What is refused behind a cursor or COPY that waits for its user is told. */
function openError(action: string): Error {
  return withoutFrames(() => new ConnectionBusyError(action, IS_OPEN));
}

function refuseQuery(): Error {
  return openError("run a query");
}

/** The lease behind the interface. */
export class Lease extends HeldScope implements Holder {
  readonly #shell: PoolShell;
  readonly #member: Member;
  readonly #keeper: LeaseKeeper;
  #ended: Promise<void> | undefined;
  /** What few leases need. */
  #notes: LeaseNotes | undefined;

  constructor(
    shell: PoolShell,
    member: Member,
    keeper: LeaseKeeper,
  ) {
    super();
    this.#shell = shell;
    this.#member = member;
    this.#keeper = keeper;
    member.holder = this;
  }

  override get maker(): StatementMaker {
    return this.#shell.maker;
  }

  get pid(): number {
    return this.#member.connection.pid;
  }

  /** Whether its connection died. */
  get isLost(): boolean {
    return this.#member.connection.isLost;
  }

  get transactionStatus(): TransactionStatus {
    return this.#member.connection.transactionStatus;
  }

  get signal(): AbortSignal {
    this.#notes ??= new LeaseNotes();
    const fault = () => this.#fault("use the connection");
    return this.#notes.signal(fault, this.#keeper.signal?.());
  }

  override runWithin(statement: Statement, limits: QueryLimits): void {
    if (statement.isAbandoned) return;
    if (limits.signal?.aborted) return statement.fail(limits.signal.reason);
    const fault = this.#queryFault();
    if (fault !== undefined) {
      // What died is nobody's mistake.
      return this.isLost ? statement.fail(fault) : statement.refuse(fault);
    }
    statement.carrier = this;
    limitOnMember(this.#shell, this.#member, statement, limits);
    const { connection } = this.#member;
    if (connection.underWay.isSuspended) statement.refusal = refuseQuery;
    this.#member.hasRun = true;
    connection.run(statement);
  }

  override cancel(statement: Statement): void {
    statement.abandon(cancelError());
    // One that was not run yet never will be; one of a lease that has ended is
    // not ours to cancel, unless the connection was detached.
    const { slot } = this.#member;
    const isOurs = this.#ended === undefined || slot.state === "closed";
    if (!isOurs || statement.carrier !== this) return;
    this.#shell.cancels.abandon(this.#member);
  }

  /** Runs SQL of our own, for a transaction; a rollback also behind what is open, which it ends. */
  async command(sql: string, action: ConnectionLostPhase): Promise<unknown> {
    const fault = this.#fault(action);
    if (fault !== undefined) throw fault;
    this.#member.hasRun = true;
    const { queryTimeoutMs, releaseTimeoutMs } = this.#shell.options;
    const result = this.#member.connection.command(
      sql,
      action === "rollback" ? undefined : () => openError(action),
    );
    if (queryTimeoutMs === Infinity) return result;
    // It may stand behind a statement that has to be cancelled first, and a
    // cancelled COMMIT would not tell whether it is done: so it is not cancelled.
    return await this.bounded(result, queryTimeoutMs + releaseTimeoutMs);
  }

  /** Cuts the connection unless `promise` settles in time. */
  bounded<T>(
    promise: Promise<T>,
    timeoutMs = this.#shell.options.releaseTimeoutMs,
  ): Promise<T> {
    const { connection } = this.#member;
    return this.#shell.closes.bounded(connection, promise, timeoutMs);
  }

  override hold(): void {
    // Otherwise it would be the next lease of this connection that is noted.
    if (this.#fault("hold the connection") !== undefined) return;
    this.#shell.requests.nesting.hold(this.#member);
  }

  override claim(): void {
    this.hold();
  }

  async begin(first?: unknown, second?: unknown): Promise<unknown> {
    const plan = readBegin(first, second);
    plan.wait.signal?.throwIfAborted();
    return await beginOn(this, plan, false);
  }

  async transaction<T>(
    fn: (tx: Transaction) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const plan = readTransactionOptions(options);
    return await runTransaction(this, fn, plan);
  }

  reserve(): Promise<PooledConnection> {
    const fault = this.#fault("reserve the connection");
    if (fault !== undefined) return Promise.reject(fault);
    const { holder } = this.#member;
    const lease = new Lease(this.#shell, this.#member, {
      end: () => undefined,
      fault: (action) => this.#fault(action),
      signal: () => this.signal,
    });
    // The session's holder is who it was; this one is only a handle.
    this.#member.holder = holder;
    return Promise.resolve(lease.public);
  }

  release(): Promise<void> {
    return this.#ended ??= this.#end(false);
  }

  override end(): Promise<void> {
    return this.release();
  }

  destroy(): void {
    this.#ended ??= this.#end(true);
  }

  detach(): PooledConnection {
    const fault = this.#fault("detach the connection");
    if (fault !== undefined) throw fault;
    const member = this.#member;
    if (member.leaveHook !== undefined) {
      throw new TypeError(
        "Cannot detach the connection: a hook has only a loan",
      );
    }
    this.#ended = DONE;
    this.#notes?.stop(released);
    const now = this.#shell.now();
    member.endLease();
    this.#shell.feed({ kind: "detach", now, slot: member.slot });
    const own: Lease = new Lease(this.#shell, member, {
      end: (_, isDestroyed) => own.#closeOwn(isDestroyed),
    });
    return own.public;
  }

  /** Ends a connection that is no longer the pool's. */
  #closeOwn(isDestroyed: boolean): Promise<void> {
    const { closes, options: { closeTimeoutMs } } = this.#shell;
    const { connection } = this.#member;
    return isDestroyed
      ? closes.end(connection, closeTimeoutMs)
      : this.bounded(closes.close(connection, closeTimeoutMs), closeTimeoutMs);
  }

  /** This, as its user sees it. */
  get public(): PooledConnection {
    return this as unknown as PooledConnection;
  }

  onLost(): void {
    this.#notes?.stop(() => this.#member.lostError());
  }

  #end(isDestroyed: boolean): Promise<void> {
    const member = this.#member;
    if (member.holder === this) member.holder = undefined;
    // Set before the core hears of it: it may lend the connection at once.
    this.#ended = DONE;
    if (this.#shell.leaks.recordsSites) {
      this.#notes ??= new LeaseNotes();
      this.#notes.recordRelease();
    }
    this.#notes?.stop(released);
    return this.#keeper.end(member, isDestroyed) ?? DONE;
  }

  /** Resolves once what was executed is sent, or has failed before that, or stands behind what is open. */
  async sent(): Promise<void> {
    const { connection } = this.#member;
    const { underWay } = connection;
    // Whoever goes on to ask stands behind it, and is not waited for.
    const last = underWay.lastUnsent;
    const mustWait = () =>
      underWay.lastUnsent && !last!.isSent && !last!.isAnswered;
    while (mustWait()) {
      if (await isStuck(underWay)) return;
      if (mustWait()) await connection.step();
    }
  }

  /** Ends what is open or was left, so that a rollback does not wait for its user. */
  endOpen(makeError: () => Error): Promise<void> | undefined {
    if (this.#fault("go on") !== undefined) return undefined; // it is another's
    return this.#shell.cancels.endOpen(this.#member, makeError);
  }

  /**
   * Lets one transaction begin.
   *
   * @throws {ConnectionBusyError} While another is open, of whichever handle.
   */
  enterTransaction(transaction: object): void {
    const fault = this.#fault("begin");
    if (fault !== undefined) throw fault;
    this.#member.enterTransaction(transaction);
  }

  /** The transaction has ended. */
  leaveTransaction(transaction: object): void {
    this.#member.leaveTransaction(transaction);
  }

  /** Why nothing can be run any more, if so. */
  #fault(action: string): Error | undefined {
    if (this.#ended !== undefined) {
      return new LeaseReleasedError(action, this.#notes?.releasedAt);
    }
    const fault = this.#keeper.fault?.(action);
    if (fault !== undefined) return fault;
    return this.isLost ? this.#member.lostError() : undefined;
  }

  /** The same of a query, whose line it has in the place of frames of ours. */
  #queryFault(): Error | undefined {
    const action = "run a query";
    return this.#fault(action) && withoutFrames(() => this.#fault(action));
  }
}
