/**
 * Begins transactions, and again where a callback may.
 *
 * @module
 */

import type { BeginPlan, TransactionPlan } from "./options/begin_options.ts";
import { errorCode } from "./error_text.ts";
import type { Lease } from "./lease.ts";
import { transactionBrackets } from "./brackets.ts";
import { LeaseTransaction } from "./lease_transaction.ts";
import type { Transaction } from "./transaction.ts";
import { runIn } from "./transaction_callback.ts";

// The server could not serialize it, or ended it for a deadlock: it may well
// succeed the next time.
const RETRYABLE_CODES: ReadonlySet<unknown> = new Set(["40001", "40P01"]);

/** Begins a transaction on a lease by a statement; `ownsLease`: the lease ends with it, or when it cannot begin. */
async function openTransaction(
  lease: Lease,
  begin: string,
  ownsLease: boolean,
): Promise<LeaseTransaction> {
  const brackets = transactionBrackets(begin);
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

/** What `begin()` does once there is a lease, which ends with it if it owns that. */
export async function beginOn(
  lease: Lease,
  { statement, fn }: BeginPlan,
  ownsLease: boolean,
): Promise<unknown> {
  const tx = await openTransaction(lease, statement, ownsLease);
  return fn === undefined ? tx.public : await runIn(tx, fn);
}

/** Runs a callback in a transaction, again when the server asks for it. */
export async function runTransaction<T>(
  lease: Lease,
  fn: (tx: Transaction) => T | Promise<T>,
  { retries, statement, wait }: TransactionPlan,
): Promise<T> {
  for (let left = retries;; left--) {
    wait.signal?.throwIfAborted();
    const tx = await openTransaction(lease, statement, false);
    try {
      return await runIn(tx, fn) as T;
    } catch (error) {
      // What its callback had committed itself would be done twice.
      const mayRunAgain = left > 0 && tx.outcome === "rolled back";
      if (!mayRunAgain || !RETRYABLE_CODES.has(errorCode(error))) throw error;
    }
  }
}
