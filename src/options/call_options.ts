/**
 * Options that are given per call.
 *
 * @module
 */

import { checkOptions, passedTo, readOptions } from "./option_check.ts";
import { FLAG, MILLISECONDS, rule } from "./option_kinds.ts";

/** How long a call may wait, and what ends it early. */
export interface AcquireOptions {
  /** Ends the wait; the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long the call may wait, in milliseconds; 0: take only what is idle.
   * The pool's `acquireTimeoutMs` by default.
   */
  readonly timeoutMs?: number | undefined;
}

/** The options of `pool.close()`. */
export interface CloseOptions {
  /**
   * How long it may take, in milliseconds; the pool's `closeTimeoutMs` by default.
   * Leases that last on are ended in the last quarter of it, 500 ms at most.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether leases are ended at once, without waiting.
   *
   * @default {false}
   */
  readonly force?: boolean | undefined;
}

/** How the options of a wait are read. */
export const WAIT_RULES = {
  signal: rule("an AbortSignal", isSignal),
  timeoutMs: MILLISECONDS,
};
const CLOSE_RULES = { timeoutMs: MILLISECONDS, force: FLAG };
const CLOSE = passedTo("close the pool");

/**
 * Refuses options that a wait does not have.
 *
 * @throws {TypeError} If one is unknown or of a wrong type.
 * @throws {RangeError} If `timeoutMs` is negative or not a number.
 */
export function checkAcquireOptions(
  options: AcquireOptions | undefined,
  action: string,
): void {
  if (options === undefined) return;
  checkOptions(WAIT_RULES, options, passedTo(action));
}

/** Checks the options of `pool.close()` and fills in the rest. */
export function resolveCloseOptions(
  options: CloseOptions | undefined,
  closeTimeoutMs: number,
): { readonly timeoutMs: number; readonly force: boolean } {
  const given: CloseOptions = readOptions(CLOSE_RULES, options, CLOSE);
  return {
    timeoutMs: given.timeoutMs ?? closeTimeoutMs,
    force: given.force ?? false,
  };
}

// By what it can do: a signal may come from another realm.
function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}
