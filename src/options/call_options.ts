/**
 * Options that are given per call.
 *
 * @module
 */

import {
  type OptionSource,
  readOptions,
  typeName,
  unknownOption,
} from "./option_check.ts";
import { flag, milliseconds } from "./option_kinds.ts";

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

const ACQUIRE_NAMES = ["signal", "timeoutMs"];
const CLOSE_RULES = { timeoutMs: milliseconds(), force: flag() };
const CLOSE: OptionSource = {
  action: "close the pool",
  noun: "option",
  shown: true,
};

/**
 * Refuses options that a wait does not have; `others` are those beside them that
 * whoever mistyped one may have meant.
 *
 * On the path of every acquire: nothing is allocated unless something is wrong.
 *
 * @throws {TypeError} If one is unknown or of a wrong type.
 * @throws {RangeError} If `timeoutMs` is negative or not a number.
 */
export function checkAcquireOptions(
  options: AcquireOptions | undefined,
  action: string,
  others: readonly string[] = [],
): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot ${action}: the options must be an object, got ${
        typeName(options)
      }`,
    );
  }
  for (const name in options) {
    if (name === "signal") checkSignal(options.signal, action);
    else if (name === "timeoutMs") checkTimeout(options.timeoutMs, action);
    else {
      const known = [...ACQUIRE_NAMES, ...others];
      throw unknownOption(name, known, sourceOf(action));
    }
  }
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
function checkSignal(signal: unknown, action: string): void {
  if (signal === undefined) return;
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted === "boolean" && typeof addEventListener === "function") {
    return;
  }
  throw new TypeError(
    `Cannot ${action}: option "signal" must be an AbortSignal, got ${
      typeName(signal)
    }`,
  );
}

function checkTimeout(timeoutMs: unknown, action: string): void {
  if (timeoutMs === undefined) return;
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return;
  const expected = `Cannot ${action}: option "timeoutMs" must be a number of ` +
    `milliseconds, 0 or more, got `;
  throw typeof timeoutMs === "number"
    ? new RangeError(expected + timeoutMs)
    : new TypeError(expected + typeName(timeoutMs));
}

function sourceOf(action: string): OptionSource {
  return { action, noun: "option", shown: true };
}
