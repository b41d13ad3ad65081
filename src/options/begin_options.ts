/**
 * How a transaction begins.
 *
 * @module
 */

import type { Transaction } from "../transaction.ts";
import { type AcquireOptions, WAIT_RULES } from "./call_options.ts";
import {
  type OptionSource,
  passedTo,
  readOptions,
  refusal,
  typeName,
} from "./option_check.ts";
import { FLAG, integerOrInfinity, oneOf } from "./option_kinds.ts";

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

const BEGIN_RULES = {
  ...WAIT_RULES,
  isolation: oneOf(
    "read uncommitted",
    "read committed",
    "repeatable read",
    "serializable",
  ),
  readOnly: FLAG,
  deferrable: FLAG,
};
const TRANSACTION_RULES = { ...BEGIN_RULES, retries: integerOrInfinity(0) };
const BEGIN = passedTo("begin a transaction");
const TRANSACTION: OptionSource = {
  ...passedTo("run a transaction"),
  hints: { retry: 'pass "retries" instead' },
};

/** What is run in a transaction. */
export type Callback = (tx: Transaction) => unknown;

/** What the options of a transaction come to. */
export interface TransactionPlan {
  /** How long its connection is waited for. */
  readonly wait: AcquireOptions;
  /** What begins it. */
  readonly statement: string;
  /** How often it may be run again. */
  readonly retries: number;
}

/** What the arguments of `begin()` come to. */
export interface BeginPlan extends TransactionPlan {
  /** What is run in it, if that was given. */
  readonly fn: Callback | undefined;
}

function readBeginOptions(
  options: BeginOptions | string,
): TransactionPlan {
  if (typeof options !== "string") {
    return plan(readOptions(BEGIN_RULES, options, BEGIN));
  }
  // As the driver: a word can do no harm, anything else could.
  const statement = `begin ${options.replace(/[^a-z ]/gi, "")}`;
  return { wait: {}, statement, retries: 0 };
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
): BeginPlan {
  const isFirst = typeof first === "function";
  if (isFirst && second !== undefined) {
    throw refusal(BEGIN.action, "its options come before its callback");
  }
  const fn = isFirst ? first : second;
  if (fn !== undefined && typeof fn !== "function") {
    throw refusal(BEGIN.action, "its callback must be a function");
  }
  const options = isFirst ? {} : (first ?? {}) as BeginOptions | string;
  return { ...readBeginOptions(options), fn: fn as Callback | undefined };
}

/** Why a transaction cannot be prepared by a name, if so. */
export function preparedNameFault(name: unknown): TypeError | undefined {
  if (typeof name === "string") return undefined;
  return refusal("prepare", `the name must be a string, got ${typeName(name)}`);
}

/** Reads the options of `transaction()`, as strictly. */
export function readTransactionOptions(
  options: TransactionOptions,
): TransactionPlan {
  return plan(readOptions(TRANSACTION_RULES, options, TRANSACTION));
}

function plan(options: TransactionOptions): TransactionPlan {
  const { isolation, readOnly, deferrable, retries = 0, ...wait } = options;
  const words = [
    "begin",
    isolation && `isolation level ${isolation}`,
    readOnly !== undefined && (readOnly ? "read only" : "read write"),
    deferrable !== undefined && (deferrable ? "deferrable" : "not deferrable"),
  ];
  return { wait, statement: words.filter(Boolean).join(" "), retries };
}
