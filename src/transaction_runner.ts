/**
 * Begins transactions, and runs callbacks in them.
 *
 * @module
 */

import {
  type BeginOptions,
  readBeginOptions,
  type TransactionPlan,
} from "./options/begin_options.ts";
import type { Lease } from "./lease.ts";
import {
  type Brackets,
  type Callback,
  LeaseTransaction,
  runIn,
} from "./lease_transaction.ts";
import type { Transaction } from "./transaction.ts";

// The server could not serialize it, or ended it for a deadlock: it may well
// succeed the next time.
const RETRYABLE_CODES: ReadonlySet<unknown> = new Set(["40001", "40P01"]);
const CANNOT = "Cannot begin a transaction";

/** Begins a transaction on a lease by a statement; `ownsLease`: the lease ends with it, or when it cannot begin. */
export async function openTransaction(
  lease: Lease,
  begin: string,
  ownsLease: boolean,
): Promise<LeaseTransaction> {
  const brackets: Brackets = {
    noun: "transaction",
    begin,
    commit: "commit",
    rollback: "rollback",
  };
  try {
    lease.enterTransaction(brackets);
    const tx = new LeaseTransaction(lease, brackets, ownsLease);
    return await tx.open();
  } catch (error) {
    lease.leaveTransaction(brackets);
    if (ownsLease) await lease.release();
    throw error;
  }
}

/** The three shapes of `begin()`, on a lease. */
export async function beginOn(
  lease: Lease,
  first: unknown,
  second: unknown,
): Promise<unknown> {
  const { statement, fn } = readBegin(first, second);
  const tx = await openTransaction(lease, statement, false);
  return fn === undefined ? tx.public : await runIn(tx, fn);
}

/**
 * Reads the arguments of `begin()`: options, a callback, or both. To be done
 * before there is a connection: one that is refused must not keep it.
 *
 * @throws {TypeError} If an option is unknown or of a wrong type, or what comes
 * after the options, or after the callback, has no meaning there.
 * @throws {RangeError} If an option is out of range.
 */
export function readBegin(
  first: unknown,
  second: unknown,
): TransactionPlan & { readonly fn: Callback | undefined } {
  const isFirst = typeof first === "function";
  if (isFirst && second !== undefined) {
    throw new TypeError(`${CANNOT}: its options come before its callback`);
  }
  const fn = isFirst ? first : second;
  if (fn !== undefined && typeof fn !== "function") {
    throw new TypeError(`${CANNOT}: its callback must be a function`);
  }
  const options = isFirst ? {} : (first ?? {}) as BeginOptions | string;
  return { ...readBeginOptions(options), fn: fn as Callback | undefined };
}

/** Runs a callback in a transaction, again when the server asks for it. */
export async function runTransaction<T>(
  lease: Lease,
  fn: (tx: Transaction) => T | Promise<T>,
  { retries, statement, wait }: TransactionPlan,
): Promise<T> {
  for (let left = retries;; left--) {
    const tx = await openTransaction(lease, statement, false);
    try {
      return await runIn(tx, fn) as T;
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      if (left <= 0 || !RETRYABLE_CODES.has(code)) throw error;
      wait.signal?.throwIfAborted();
    }
  }
}
