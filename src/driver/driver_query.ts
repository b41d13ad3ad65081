/**
 * The driver's queries, seen from inside.
 *
 * @module
 */

import { errorText } from "../error_text.ts";

/** A driver's query, as far as it is touched. */
export interface DriverQuery extends Promise<unknown> {
  handler: QueryHandler;
  canceller: ((query: DriverQuery) => void) | null;
  strings: readonly string[];
  /** The driver takes for simple whatever is true. */
  options: { simple?: unknown };
  readonly args: readonly unknown[];
  readonly string?: string;
  /** What a prepared plan is known by; set when the driver makes its bytes. */
  readonly signature?: unknown;
  /** Where it was made, as lines of a stack. */
  readonly origin: string;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  /** Set when the driver takes it. */
  state: unknown;
  /** Whether the driver works on it. */
  active: boolean;
  /** Whether it was awaited. */
  executed: boolean;
  /** When set, the driver passes it over. */
  cancelled: unknown;
  parameters: unknown[] | null;
  /** What the driver made of it. */
  statement?: { readonly types?: unknown } | null | undefined;
  /** When set, errors reach it as they are. */
  reserve?: unknown;
  /** Whether it runs a plan that was prepared before. */
  prepared?: unknown;
  describeFirst?: unknown;
  onlyDescribe?: boolean | undefined;
  cursorFn?: ((rows: unknown) => unknown) | undefined;
  /** Of ours: whether its rows are those of a loop. */
  readonly isIterated?: boolean;
  /** Of ours: whether that loop was left. */
  readonly isLeft?: boolean;
  forEachFn?: unknown;
  streaming?: boolean | undefined;
}

/** What runs a query once it is awaited. */
export interface QueryHandler {
  (query: DriverQuery): void;
  /** When set, errors tell where their query was made. */
  debug?: unknown;
}

/** A connection of the driver, as far as it is touched. */
export interface DriverConnection {
  /** Makes a query's bytes and sends them; behind others, if there are any. */
  execute(query: DriverQuery): unknown;
  /** When set, it is called each time nothing runs any more, and all else is left to it. */
  reserved: { (): void; release: boolean } | null;
}

function ignore(): void {}

/**
 * As `cancelled` of a query: the driver passes it over when its turn comes,
 * asking for a cancel request that its single-use socket refuses.
 */
export const PASSED_OVER: object = { resolve: ignore, reject: ignore };

/** Tells in an error which query it is of, as the driver does. */
export function describeFault(fault: unknown, query: DriverQuery): Error {
  const error = fault instanceof Error ? fault : new Error(errorText(fault));
  if ("query" in error || !Object.isExtensible(error)) return error;
  const { string, parameters, args, origin, handler, statement } = query;
  const enumerable = Boolean(handler.debug);
  return Object.defineProperties(error, {
    stack: { value: error.stack + origin.replace(/.*\n/, "\n"), enumerable },
    query: { value: string, enumerable },
    parameters: { value: parameters, enumerable },
    args: { value: args, enumerable },
    types: { value: statement?.types, enumerable },
  });
}
