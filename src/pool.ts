/**
 * The pool, as its user sees it.
 *
 * @module
 */

import type { TransactionOptions } from "./options/begin_options.ts";
import {
  type AcquireOptions,
  checkAcquireOptions,
  type CloseOptions,
  resolveCloseOptions,
} from "./options/call_options.ts";
import { CallSite } from "./call_site.ts";
import type { Statement } from "./driver/connection.ts";
import { type LimitedRunner, LimitedScope } from "./limited_scope.ts";
import type { Member } from "./member.ts";
import { checkResize, type ResizeOptions } from "./options/pool_bounds.ts";
import type { PoolEventListener, PoolEventType } from "./pool_events.ts";
import type { PoolShell } from "./pool_shell.ts";
import type { PoolStats } from "./pool_stats.ts";
import { Lease, type PooledConnection } from "./pooled_connection.ts";
import type { QueryRouter } from "./query_router.ts";
import { PromisedRequest } from "./request.ts";
import type {
  EndOptions,
  LimitedSql,
  QueryLimits,
  Sql,
  TypeValues,
} from "./sql.ts";
import { SqlScope } from "./sql_scope.ts";
import type { StatementMaker } from "./statement_maker.ts";
import type { Transaction } from "./transaction.ts";
import {
  openTransaction,
  readBegin,
  readTransaction,
  runIn,
} from "./transaction_runner.ts";

/**
 * A pool of connections to PostgreSQL.
 *
 * Call it as the driver's `sql`: each query runs on whichever connection has
 * room for it. What needs one session takes a lease or a transaction.
 *
 * @example
 * ```ts
 * import { createPool } from "@tidepool/postgres";
 *
 * await using pool = createPool("postgres://localhost/shop", { max: 10 });
 * const users = await pool`select * from users where id = ${7}`;
 * ```
 */
// deno-lint-ignore ban-types -- as in the driver: no custom types
export interface Pool<Types extends TypeValues = {}>
  extends Sql<Types>, AsyncDisposable {
  /** The pool's label in errors and events. */
  readonly name: string;
  /**
   * Waits for a connection and leases it to the caller.
   *
   * Callers are served in the order in which they came.
   *
   * @throws {AcquireTimeoutError} When none is free within `timeoutMs`.
   * @throws {ConnectError} When none is open and none can be opened.
   * @throws {PoolClosedError} When the pool is closed.
   */
  acquire(options?: AcquireOptions): Promise<PooledConnection<Types>>;
  /**
   * Leases a connection that is idle now, or answers `undefined`, at once.
   *
   * It is not validated first: that would take time.
   *
   * @throws {TypeError} When the pool has an `onAcquire`, which takes time too.
   */
  tryAcquire(): PooledConnection<Types> | undefined;
  /** Runs `fn` with a lease that ends with it. */
  use<T>(
    fn: (connection: PooledConnection<Types>) => T | Promise<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  /**
   * Resolves once `min` connections, and at least one, are open.
   *
   * @throws {AcquireTimeoutError} When they are not within `timeoutMs`.
   * @throws {ConnectError} When none can be opened.
   */
  ready(options?: AcquireOptions): Promise<void>;
  /** Changes the limits; what is too many is closed when it is not in use. */
  resize(bounds: ResizeOptions): void;
  /** Retires every connection opened before now: the leased ones on their return. */
  refresh(): void;
  /** Grants no connection until `resume`; who waits goes on waiting, to their deadlines. */
  pause(): void;
  /** Grants connections again. */
  resume(): void;
  /** One consistent picture of the pool. */
  stats(): PoolStats;
  /**
   * Closes the pool: who waits is turned away at once, leases are waited for,
   * and what is still in use near the end is cancelled and destroyed.
   *
   * Always resolves within `timeoutMs`, of which the last quarter, at most
   * 500 ms, is kept for cancelling. Closing twice is closing once.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Calls `listener` with each event of a type; what it throws changes nothing. */
  addEventListener<Type extends PoolEventType>(
    type: Type,
    listener: PoolEventListener<Type>,
  ): void;
  /** Stops calling `listener`. */
  removeEventListener<Type extends PoolEventType>(
    type: Type,
    listener: PoolEventListener<Type>,
  ): void;
}

/** The pool behind the interface. */
export class CallablePool extends SqlScope implements LimitedRunner {
  declare readonly name: string;
  readonly #shell: PoolShell;
  readonly #router: QueryRouter;

  constructor(shell: PoolShell, router: QueryRouter, maker: StatementMaker) {
    super(maker);
    this.#shell = shell;
    this.#router = router;
    // A function has a name of its own, which hides those of its prototypes.
    const { name } = shell.options;
    Object.defineProperty(this, "name", { value: name, enumerable: true });
  }

  /** This, as its user sees it. */
  get public(): Pool {
    return this as unknown as Pool;
  }

  override run(statement: Statement): void {
    this.#router.run(statement);
  }

  runWithin(statement: Statement, limits: QueryLimits): void {
    this.#router.runWithin(statement, limits);
  }

  override cancel(statement: Statement): void {
    this.#router.cancel(statement);
  }

  acquire(options?: AcquireOptions): Promise<PooledConnection> {
    try {
      return this.#lease(options) as unknown as Promise<PooledConnection>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  tryAcquire(): PooledConnection | undefined {
    if (this.#shell.options.onAcquire !== undefined) {
      throw new TypeError(
        "Cannot acquire at once: the pool's onAcquire has to be awaited",
      );
    }
    const request = this.#request(0);
    this.#shell.admit(request);
    return request.granted?.public;
  }

  reserve(): Promise<PooledConnection> {
    return this.acquire();
  }

  async use<T>(
    fn: (connection: PooledConnection) => T | Promise<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    const lease = await this.#lease(options);
    try {
      return await fn(lease.public);
    } finally {
      await lease.release();
    }
  }

  async begin(first?: unknown, second?: unknown): Promise<unknown> {
    const { wait, statement, fn } = readBegin(first, second);
    const lease = await this.#lease(wait);
    const tx = await openTransaction(lease, this.maker, statement, true);
    return fn === undefined ? tx.public : await runIn(tx, fn);
  }

  async transaction<T>(
    fn: (tx: Transaction) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const lease = await this.#lease(readTransaction(options).wait);
    try {
      return await lease.transaction(fn, options);
    } finally {
      await lease.release();
    }
  }

  with(limits: QueryLimits): LimitedSql {
    checkAcquireOptions(limits, "limit a query");
    return new LimitedScope(this, this.maker, limits) as unknown as LimitedSql;
  }

  async ready(options?: AcquireOptions): Promise<void> {
    checkAcquireOptions(options, "wait for the pool");
    options?.signal?.throwIfAborted();
    const { since, deadline } = this.#times(options?.timeoutMs);
    const shell = this.#shell;
    const request = new PromisedRequest<void>(
      "ready",
      since,
      deadline,
      shell,
      () => {},
    );
    shell.admit(request);
    await request.promise(options?.signal);
  }

  resize(bounds: ResizeOptions): void {
    const { max, min } = this.#shell.machine.state;
    const next = checkResize(bounds, { max, min });
    this.#shell.feed({ kind: "resize", now: this.#shell.now(), ...next });
  }

  refresh(): void {
    this.#shell.feed({ kind: "refresh", now: this.#shell.now() });
  }

  pause(): void {
    this.#shell.feed({ kind: "pause", now: this.#shell.now() });
  }

  resume(): void {
    this.#shell.feed({ kind: "resume", now: this.#shell.now() });
  }

  stats(): PoolStats {
    return this.#shell.stats();
  }

  async close(options?: CloseOptions): Promise<void> {
    const { closeTimeoutMs } = this.#shell.options;
    const { timeoutMs, force } = resolveCloseOptions(options, closeTimeoutMs);
    await this.#shell.close(timeoutMs, force);
  }

  end(options?: EndOptions): Promise<void> {
    const timeout = options?.timeout;
    return this.close(
      timeout === undefined ? {} : { timeoutMs: timeout * 1_000 },
    );
  }

  addEventListener(type: PoolEventType, listener: () => void): void {
    this.#shell.events.add(type, listener);
  }

  removeEventListener(type: PoolEventType, listener: () => void): void {
    this.#shell.events.remove(type, listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #lease(options: AcquireOptions | undefined): Promise<Lease> {
    checkAcquireOptions(options, "acquire a connection");
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const request = this.#request(options?.timeoutMs);
    if (this.#shell.recordsSites) request.site = new CallSite();
    this.#shell.admit(request);
    return request.promise(signal);
  }

  #request(timeoutMs: number | undefined): PromisedRequest<Lease> {
    const { since, deadline } = this.#times(timeoutMs);
    const shell = this.#shell;
    return new PromisedRequest("lease", since, deadline, shell, this.#make);
  }

  readonly #make = (member: Member, site: CallSite | undefined): Lease => {
    member.acquiredAt = site;
    return new Lease(this.#shell, this.maker, member, this.#shell);
  };

  #times(timeoutMs = this.#shell.options.acquireTimeoutMs) {
    const since = this.#shell.now();
    return { since, deadline: since + timeoutMs };
  }
}
