/**
 * The driver's queries, seen from inside.
 *
 * @module
 */

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

// Where a server finds that a prepared plan is no longer valid; as in the driver.
const STALE_PLAN_ROUTINES: ReadonlySet<unknown> = new Set([
  "FetchPreparedStatement",
  "RevalidateCachedQuery",
  "transformAssignedExpr",
]);

/** Whether a statement did not run because its prepared plan was no longer valid. */
export function isStalePlan(error: unknown): boolean {
  const { routine } = Object(error) as { readonly routine?: unknown };
  return STALE_PLAN_ROUTINES.has(routine);
}

/**
 * Hands a query to the driver so that it forgets a plan that is stale.
 *
 * A describe makes it forget the plan it knew; once the bytes are made it goes
 * on as with any statement that is new to it. It has the signature by the time
 * it looks whether this is one.
 */
export function forgetPlan(
  query: DriverQuery,
  stalePlans: Set<unknown>,
  hand: () => void,
): void {
  Object.defineProperty(query, "onlyDescribe", {
    configurable: true,
    get: () => stalePlans.has(query.signature),
  });
  hand();
  delete query.onlyDescribe;
  stalePlans.delete(query.signature);
}

function ignore(): void {}

/**
 * A cursor whose step is already settled takes no error: its next step would
 * end it as if it were complete. So the error waits for that step.
 */
export function endCursor(query: DriverQuery, error: unknown): void {
  query.active = true;
  query.resolve = ignore;
  Object.defineProperty(query, "reject", {
    configurable: true,
    get: () => ignore,
    set: (reject: (error: unknown) => void) => reject(error),
  });
}

/** A cursor's callback, as the driver calls it. */
type CursorFunction = (rows: unknown) => unknown;

/** What is to be known of a cursor, and of whoever it is for. */
export interface WatchedCursor {
  /** Its rows are with the user, so that the server waits for him. */
  isSuspended: boolean;
  /** Whether nobody wants its rows any more. */
  readonly isAbandoned: boolean;
}

/**
 * Follows a cursor, and ends it with `close` once it is abandoned.
 *
 * The iterator sets another function at each step, hence the property. What a
 * callback throws for the last rows, the driver leaves to nobody, which ends the
 * process; and one that throws at once looks to us like a row that could not be
 * read. What comes while a loop looks at rows has nobody to be told before its
 * next step.
 */
export function guardCursor(
  query: DriverQuery,
  watched: WatchedCursor,
  close: unknown,
): void {
  if (query.cursorFn === undefined) return;
  const { isIterated } = query;
  const guard = (cursorFn: CursorFunction) => (rows: unknown) => {
    // Who was told of an error is not asked for more.
    if (watched.isAbandoned || !query.active) return close;
    watched.isSuspended = true;
    if (isIterated) query.reject = (error) => endCursor(query, error);
    const step = new Promise((resolve) => resolve(cursorFn(rows)));
    step.catch((error) => query.reject(error));
    const goOn = () => watched.isSuspended = false;
    step.then(goOn, goOn);
    const answer = step.then((given) => watched.isAbandoned ? close : given);
    answer.catch(ignore); // of the last rows
    return answer;
  };
  let guarded = guard(query.cursorFn as CursorFunction);
  Object.defineProperty(query, "cursorFn", {
    configurable: true,
    get: () => guarded,
    set: (cursorFn: CursorFunction) => guarded = guard(cursorFn),
  });
}

interface CopyStream {
  on(event: "error" | "close", listener: () => void): void;
  /** Whether its reader has all of it. */
  readonly readableEnded: boolean;
  /** Only of a stream that is written to. */
  write?: unknown;
  destroy(error: unknown): void;
}

/**
 * An error of a COPY stream that nobody listens to must not end the process.
 * One that comes after the stream was ended, the driver does not tell it.
 *
 * When a reader leaves early, the driver waits for it for ever: `onLeft` is
 * told.
 */
export function guardStream(query: DriverQuery, onLeft: () => void): void {
  const resolve = query.resolve.bind(query);
  const reject = query.reject.bind(query);
  let written: CopyStream | undefined;
  query.resolve = (result) => {
    if (isStream(result)) {
      result.on("error", ignore);
      if (typeof result.write === "function") written = result;
      else result.on("close", () => result.readableEnded || onLeft());
    }
    resolve(result);
  };
  query.reject = (error) => {
    written?.destroy(error);
    reject(error);
  };
}

function isStream(result: unknown): result is CopyStream {
  return typeof (result as CopyStream | undefined)?.on === "function";
}

/** Tells in an error which query it is of, as the driver does. */
export function describeFault(fault: unknown, query: DriverQuery): Error {
  const error = fault instanceof Error ? fault : new Error(String(fault));
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
