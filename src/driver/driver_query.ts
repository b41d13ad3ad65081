/**
 * The driver's queries, seen from inside: every field of theirs that is
 * touched, in one place.
 *
 * @module
 */

import type { StatementScope } from "./connection.ts";
import type { SessionStatement } from "./statement_line.ts";

/** The scope a query was made for, and its statement. */
const SCOPE = Symbol("scope");
const STATEMENT = Symbol("statement");

/** A driver's query, as far as it is touched. */
export interface DriverQuery extends Promise<unknown> {
  handler: QueryHandler;
  canceller: ((query: DriverQuery) => void) | null;
  strings: readonly string[];
  options: { simple?: boolean };
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
  retried?: unknown;
  describeFirst?: unknown;
  onlyDescribe?: boolean;
  cursorFn?: unknown;
  forEachFn?: unknown;
  streaming?: boolean;
  [SCOPE]?: StatementScope;
  [STATEMENT]?: DriverStatement;
}

/** What runs a query once it is awaited. */
export interface QueryHandler {
  (query: DriverQuery): void;
  /** When set, errors tell where their query was made. */
  debug?: unknown;
}

function ignore(): void {}

// The driver passes over a query with this when its turn comes, asking for a
// cancel request that its single-use socket refuses.
const PASSED_OVER = { resolve: ignore, reject: ignore };

const COPY = /^\s*copy\b/i;

/** One statement of postgres.js: a lazy query. */
export class DriverStatement implements SessionStatement {
  readonly query: DriverQuery;
  isSent = false;
  isAbandoned = false;
  isBarrier = false;
  onEnd: (() => void) | undefined;
  #settlers: Pick<DriverQuery, "resolve" | "reject"> | undefined;

  constructor(query: DriverQuery) {
    this.query = query;
  }

  /** The statement of a query; made when it is first asked for. */
  static of(query: DriverQuery): DriverStatement {
    return query[STATEMENT] ??= new DriverStatement(query);
  }

  get text(): string {
    return this.query.strings[0] ?? "";
  }

  get isExclusive(): boolean {
    const { options, cursorFn, forEachFn, streaming } = this.query;
    return options.simple === true || cursorFn !== undefined ||
      forEachFn !== undefined || streaming === true;
  }

  get isActive(): boolean {
    return this.query.active;
  }

  get isLasting(): boolean {
    return this.query.cursorFn !== undefined || this.query.streaming === true;
  }

  get isBlocking(): boolean {
    const { describeFirst, onlyDescribe } = this.query;
    return Boolean(describeFirst) || onlyDescribe === true || this.isLasting ||
      this.isBarrier;
  }

  abandon(error: unknown): void {
    this.isAbandoned = true;
    const wasActive = this.query.active;
    this.fail(error);
    // `active` says whether the driver is done with it; its caller was told apart.
    this.query.active = wasActive;
  }

  fail(error: unknown): void {
    // Nobody may be waiting for it; that is no reason to end the process.
    Promise.prototype.then.call(this.query, undefined, ignore);
    this.query.reject(error);
    if (this.query.cursorFn !== undefined) endCursor(this.query, error);
  }

  recall(): void {
    const { query } = this;
    this.isSent = false;
    query.state = null;
    query.active = false;
    query.retried = undefined;
    // The driver serializes parameters in place, and would do so twice.
    query.parameters = null;
  }

  end(): void {
    const { onEnd } = this;
    this.onEnd = undefined;
    onEnd?.();
  }

  shield(): void {
    const { resolve, reject } = this.query;
    this.#settlers = { resolve, reject };
    this.query.resolve = this.query.reject = ignore;
  }

  unshield(): void {
    if (this.#settlers !== undefined) Object.assign(this.query, this.#settlers);
    this.#settlers = undefined;
  }

  /** Hands the query to a driver's handler; answers whether it is on its way. */
  execute(handler: QueryHandler, head: DriverStatement | undefined): boolean {
    if (this.query.streaming === true || COPY.test(this.text)) {
      guardStream(this.query);
    }
    if (head === undefined) {
      handler(this.query);
      return true;
    }
    return this.#executeBehind(handler, head.query);
  }

  /**
   * When a query cannot be written, the driver rejects the one that is running
   * instead, and then takes the next reply for that of the unwritten one. So
   * the error is caught here, and the driver is told to pass this query over.
   */
  #executeBehind(handler: QueryHandler, running: DriverQuery): boolean {
    const { reject } = running;
    let fault: { readonly error: unknown } | undefined;
    running.reject = (error) => fault = { error };
    handler(this.query);
    running.reject = reject;
    if (fault === undefined) return true;
    this.query.cancelled = PASSED_OVER;
    this.query.reject(fault.error);
    return false;
  }
}

/** Makes a query run in a scope once it is awaited. */
export function bindQuery(
  query: DriverQuery,
  scope: StatementScope,
  handler: QueryHandler,
): void {
  query[SCOPE] = scope;
  query.handler = handler;
  query.canceller = cancelInScope;
}

/** Runs an awaited query in its scope. */
export function runInScope(query: DriverQuery): void {
  query[SCOPE]!.run(DriverStatement.of(query));
}

function cancelInScope(query: DriverQuery): void {
  query[SCOPE]!.cancel(DriverStatement.of(query));
}

/**
 * A cursor whose step is already settled takes no error: its next step would
 * end it as if it were complete. So the error waits for that step.
 */
function endCursor(query: DriverQuery, error: unknown): void {
  query.active = true;
  Object.defineProperty(query, "reject", {
    configurable: true,
    get: () => ignore,
    set: (reject: (error: unknown) => void) => reject(error),
  });
}

/** An error of a COPY stream that nobody listens to must not end the process. */
function guardStream(query: DriverQuery): void {
  const { resolve } = query;
  query.resolve = (result) => {
    const stream = result as {
      on?(event: "error", listener: () => void): void;
    };
    if (typeof stream?.on === "function") stream.on("error", ignore);
    resolve(result);
  };
}
