/**
 * The pool behind the interface: reads arguments, and asks the shell.
 *
 * @module
 */

import {
  readBegin,
  readTransactionOptions,
  type TransactionOptions,
} from "./options/begin_options.ts";
import {
  type AcquireOptions,
  checkAcquireOptions,
  type CloseOptions,
  resolveCloseOptions,
} from "./options/call_options.ts";
import { CallSite } from "./call_site.ts";
import type { Pool } from "./pool.ts";
import type { Statement } from "./driver/connection.ts";
import { LimitableScope } from "./limited_scope.ts";
import type { Member } from "./shell/member.ts";
import type { WaiterKind } from "./core/wait_queue.ts";
import { checkResize, type ResizeOptions } from "./options/pool_bounds.ts";
import type { PoolEventType } from "./pool_events.ts";
import type { PoolShell } from "./shell/pool_shell.ts";
import type { PoolStats } from "./pool_stats.ts";
import { Lease } from "./lease.ts";
import type { PooledConnection } from "./pooled_connection.ts";
import {
  InstantRequest,
  PromisedRequest,
  type RequestOwner,
} from "./shell/request.ts";
import type { EndOptions, QueryLimits } from "./sql.ts";
import type { StatementMaker } from "./statement_maker.ts";
import type { Transaction } from "./transaction.ts";
import { beginOn, runTransaction } from "./transaction_runner.ts";

/** A lease that was had at once: who has it is not told from who else runs in that turn. */
class AnonymousLease extends Lease {
  override claim(): void {}
}

/** The pool behind the interface. */
export class CallablePool extends LimitableScope {
  declare readonly name: string;
  readonly #shell: PoolShell;
  readonly #leases: RequestOwner<Lease> = {
    grant: (member, site) => this.#lend(member, site),
    abort: (request) => this.#shell.requests.abort(request),
  };

  constructor(shell: PoolShell) {
    super();
    this.#shell = shell;
    // A function has a name of its own, which hides those of its prototypes.
    const { name } = shell.options;
    Object.defineProperty(this, "name", { value: name, enumerable: true });
  }

  override get maker(): StatementMaker {
    return this.#shell.maker;
  }

  /** This, as its user sees it. */
  get public(): Pool {
    return this as unknown as Pool;
  }

  override runWithin(statement: Statement, limits: QueryLimits): void {
    this.#shell.queries.runWithin(statement, limits);
  }

  override cancel(statement: Statement): void {
    this.#shell.queries.cancel(statement);
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
    const shell = this.#shell;
    const request = new InstantRequest(shell.requests.arrival());
    shell.requests.admit(request);
    const { member } = request;
    if (member === undefined) return undefined;
    return new AnonymousLease(shell, member, shell).public;
  }

  reserve(): Promise<PooledConnection> {
    return this.acquire();
  }

  async use<T>(
    fn: (connection: PooledConnection) => T | Promise<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    const lease = await this.#lease(options);
    lease.hold();
    try {
      return await fn(lease.public);
    } finally {
      await lease.release();
    }
  }

  async begin(first?: unknown, second?: unknown): Promise<unknown> {
    const plan = readBegin(first, second);
    return await beginOn(await this.#lease(plan.wait), plan, true);
  }

  async transaction<T>(
    fn: (tx: Transaction) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const plan = readTransactionOptions(options);
    const lease = await this.#lease(plan.wait);
    try {
      return await runTransaction(lease, fn, plan);
    } finally {
      await lease.release();
    }
  }

  async ready(options?: AcquireOptions): Promise<void> {
    checkAcquireOptions(options, "wait for the pool");
    options?.signal?.throwIfAborted();
    const since = this.#shell.requests.arrival();
    await this.#queue("ready", since, options, { ...this.#leases, grant() {} });
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
    const timeout = options?.timeout ?? undefined; // the driver's default is null
    return this.close(
      timeout === undefined ? {} : { timeoutMs: timeout * 1_000 },
    );
  }

  addEventListener(
    type: PoolEventType,
    listener: () => void,
    options?: unknown,
  ): void {
    if (options) {
      throw new TypeError(
        "Cannot add a listener: options, such as once, are not heeded here",
      );
    }
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
    const shell = this.#shell;
    const site = shell.leaks.recordsSites ? new CallSite() : undefined;
    const since = shell.requests.arrival();
    const member = shell.requests.lendReady(since);
    if (member !== undefined) return Promise.resolve(this.#lend(member, site));
    return this.#queue("lease", since, options, this.#leases, site);
  }

  #queue<T>(
    kind: WaiterKind,
    since: number,
    options: AcquireOptions | undefined,
    owner: RequestOwner<T>,
    site?: CallSite,
  ): Promise<T> {
    const { requests, options: { acquireTimeoutMs } } = this.#shell;
    const deadline = requests.deadline(
      since,
      options?.timeoutMs ?? acquireTimeoutMs,
    );
    const request = new PromisedRequest(kind, since, deadline, owner, site);
    requests.queue(request);
    request.heed(options?.signal);
    return request.promise;
  }

  #lend(member: Member, site: CallSite | undefined): Lease {
    member.acquiredAt = site;
    return new Lease(this.#shell, member, this.#shell);
  }
}
