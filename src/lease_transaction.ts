/**
 * Transactions and their savepoints, on a lease.
 *
 * @module
 */

import { BracketedScope } from "./bracketed_scope.ts";
import { isTemplate } from "./driver/connection.ts";
import {
  type Callback,
  preparedNameFault,
  readBegin,
  readTransactionOptions,
  type TransactionOptions,
} from "./options/begin_options.ts";
import type { Lease } from "./lease.ts";
import type { Transaction } from "./transaction.ts";
import { runIn } from "./transaction_callback.ts";

/** A transaction or a savepoint, on one lease. */
export class LeaseTransaction extends BracketedScope {
  /** This, as its user sees it. */
  get public(): Transaction {
    return this as unknown as Transaction;
  }

  savepoint(first?: unknown, ...rest: readonly unknown[]): Promise<unknown> {
    const [second] = rest;
    if (isTemplate(first)) {
      return this.savepoint((tx: Transaction) => tx(first, ...rest as never[]));
    }
    const fault = this.fault("make a savepoint");
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
    const fault = this.fault("prepare") ?? preparedNameFault(name);
    if (fault !== undefined) return Promise.reject(fault);
    const allowed = name.replace(/[^a-z0-9$\-_. ]/gi, "");
    this.prepareAs(allowed);
    return Promise.resolve();
  }

  reserve(): ReturnType<Lease["reserve"]> {
    return this.lease.reserve();
  }

  #inner(label: string): LeaseTransaction {
    const brackets = this.savepoints.make(label);
    return new LeaseTransaction(this.lease, brackets, false, this);
  }
}
