/**
 * How a transaction begins.
 *
 * @module
 */

import type { AcquireOptions } from "./call_options.ts";
import { checkAcquireOptions } from "./call_options.ts";

/** How far a transaction sees others. */
export type Isolation =
  | "read uncommitted"
  | "read committed"
  | "repeatable read"
  | "serializable";

/** The options of `begin()`. */
export interface BeginOptions extends AcquireOptions {
  /** The isolation level; the server's default when left out. */
  readonly isolation?: Isolation | undefined;
  /** Whether the transaction may only read. */
  readonly readOnly?: boolean | undefined;
  /** Whether a serializable, read-only transaction may wait for a safe snapshot. */
  readonly deferrable?: boolean | undefined;
}

/** The options of `transaction()`. */
export interface TransactionOptions extends BeginOptions {
  /**
   * How often to run the callback again after `40001` or `40P01`.
   *
   * @default {0}
   */
  readonly retries?: number | undefined;
}

const BEGIN_NAMES = ["isolation", "readOnly", "deferrable", "retries"];
const ISOLATIONS: readonly string[] = [
  "read uncommitted",
  "read committed",
  "repeatable read",
  "serializable",
];

/** The part of the options that is about waiting. */
export function acquirePart(options: BeginOptions): AcquireOptions {
  const { signal, timeoutMs } = options;
  return { signal, timeoutMs };
}

/**
 * The statement that begins a transaction.
 *
 * @throws {TypeError} If an option is unknown or of a wrong type.
 * @throws {RangeError} If the isolation level is none of PostgreSQL's.
 */
export function beginStatement(options: BeginOptions | string): string {
  // As the driver: a word can do no harm, anything else could.
  if (typeof options === "string") {
    return `begin ${options.replace(/[^a-z ]/gi, "")}`;
  }
  const { isolation, readOnly, deferrable, ...rest } = options;
  checkAcquireOptions(rest, "begin a transaction", BEGIN_NAMES);
  if (isolation !== undefined && !ISOLATIONS.includes(isolation)) {
    throw new RangeError(
      `Cannot begin a transaction: isolation is ${JSON.stringify(isolation)}`,
    );
  }
  checkFlag("readOnly", readOnly);
  checkFlag("deferrable", deferrable);
  return "begin" +
    (isolation === undefined ? "" : ` isolation level ${isolation}`) +
    (readOnly === undefined ? "" : readOnly ? " read only" : " read write") +
    (deferrable === undefined
      ? ""
      : deferrable
      ? " deferrable"
      : " not deferrable");
}

/**
 * Takes `retries` out of the options.
 *
 * @throws {RangeError} If it is negative or no whole number.
 */
export function splitRetries(
  options: TransactionOptions,
): { retries: number; rest: BeginOptions } {
  const { retries = 0, ...rest } = options;
  if (!Number.isInteger(retries) && retries !== Infinity || retries < 0) {
    throw new RangeError(
      `Cannot run a transaction: retries is ${String(retries)}`,
    );
  }
  return { retries, rest };
}

function checkFlag(name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(
    `Cannot begin a transaction: ${name} is a ${typeof value}, not a boolean`,
  );
}
