/**
 * Begins transactions, and runs callbacks in them.
 *
 * @module
 */

import {
  type BeginOptions,
  beginStatement,
  splitRetries,
  type TransactionOptions,
} from "./options/begin_options.ts";
import type { Lease } from "./pooled_connection.ts";
import type { StatementMaker } from "./statement_maker.ts";
import {
  type Brackets,
  type Callback,
  LeaseTransaction,
  type Transaction,
} from "./transaction.ts";

// The server could not serialize it, or ended it for a deadlock: it may well
// succeed the next time.
const RETRYABLE_CODES: ReadonlySet<unknown> = new Set(["40001", "40P01"]);

/** Begins a transaction on a lease; `ownsLease`: the lease ends with it, or when it cannot begin. */
export async function openTransaction(
  lease: Lease,
  maker: StatementMaker,
  options: BeginOptions | string,
  ownsLease: boolean,
): Promise<LeaseTransaction> {
  const brackets: Brackets = {
    noun: "transaction",
    begin: beginStatement(options),
    commit: "commit",
    rollback: "rollback",
  };
  const tx = new LeaseTransaction(lease, maker, brackets, ownsLease);
  try {
    return await tx.open();
  } catch (error) {
    if (ownsLease) await lease.release();
    throw error;
  }
}

/** The three shapes of `begin()`, on a lease. */
export async function beginOn(
  lease: Lease,
  maker: StatementMaker,
  first: unknown,
  second: unknown,
): Promise<unknown> {
  const { options, fn } = readBegin(first, second);
  const tx = await openTransaction(lease, maker, options, false);
  return fn === undefined ? tx.public : await runIn(tx, fn);
}

/** Reads the arguments of `begin()`: options, a callback, or both. */
export function readBegin(
  first: unknown,
  second: unknown,
): { options: BeginOptions | string; fn: Callback | undefined } {
  if (typeof first === "function") {
    return { options: {}, fn: first as Callback };
  }
  const fn = typeof second === "function" ? second as Callback : undefined;
  return { options: (first ?? {}) as BeginOptions | string, fn };
}

/** Runs a callback in a transaction, and commits; what the callback throws rolls back. */
export async function runIn(
  tx: LeaseTransaction,
  fn: Callback,
): Promise<unknown> {
  try {
    const result = fn(tx.public);
    const value = Array.isArray(result)
      ? await Promise.all(result)
      : await result;
    if (tx.outcome === undefined) await tx.commit();
    return value;
  } finally {
    await tx[Symbol.asyncDispose]();
  }
}

/** Runs a callback in a transaction, again when the server asks for it. */
export async function runTransaction<T>(
  lease: Lease,
  maker: StatementMaker,
  fn: (tx: Transaction) => T | Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const { retries, rest } = splitRetries(options);
  for (let left = retries;; left--) {
    const tx = await openTransaction(lease, maker, rest, false);
    try {
      return await runIn(tx, fn) as T;
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      if (left <= 0 || !RETRYABLE_CODES.has(code)) throw error;
      options.signal?.throwIfAborted();
    }
  }
}
