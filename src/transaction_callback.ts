/**
 * A callback in a transaction or a savepoint, and what comes out of it.
 *
 * @module
 */

import { errorCode } from "./error_text.ts";
import type { LeaseTransaction } from "./lease_transaction.ts";
import type { Callback } from "./options/begin_options.ts";
import { TransactionFinishedError } from "./pool_errors.ts";

/** What to tell of an error: where it came of a statement that had failed before, that statement's. */
function originOf(error: unknown, { firstError }: LeaseTransaction): unknown {
  return errorCode(error) === "25P02" && firstError !== undefined
    ? firstError.error
    : error;
}

/** Commits; where a statement had failed before, that is the error. */
async function commitAfter(tx: LeaseTransaction): Promise<void> {
  await undefined; // what was executed and not awaited runs by now,
  await tx.lease.sent(); // or has failed before that
  const { unknownError, firstError } = tx;
  if (unknownError !== undefined) throw (firstError ?? unknownError).error;
  try {
    await tx.commit();
  } catch (error) {
    if (!(error instanceof TransactionFinishedError)) throw error;
    throw tx.firstError === undefined ? error : tx.firstError.error;
  }
}

/** Runs a callback in a transaction, and commits; what the callback throws rolls back. */
export async function runIn(
  tx: LeaseTransaction,
  fn: Callback,
): Promise<unknown> {
  tx.hold();
  tx.isCallback = true;
  try {
    const result = fn(tx.public);
    const value = Array.isArray(result)
      ? await Promise.all(result)
      : await result;
    if (tx.ending !== undefined) await tx.ending;
    else if (tx.outcome === undefined) await commitAfter(tx);
    return value;
  } catch (error) {
    throw originOf(error, tx);
  } finally {
    await tx.end();
  }
}
