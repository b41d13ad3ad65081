/**
 * Cursors: queries whose rows are asked for a few at a time.
 *
 * @module
 */

import type { DriverQuery } from "./driver_query.ts";

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

/**
 * Notes in `query` that its loop was left: the driver's own `return()` is heard
 * only while its user looks at rows.
 */
export function leavable(
  made: unknown,
  query: { isLeft: boolean },
): unknown {
  if (made === query) return made;
  const loop = made as AsyncIterable<unknown>;
  return {
    [Symbol.asyncIterator](): AsyncIterator<unknown> {
      const steps = loop[Symbol.asyncIterator]();
      return {
        next: () => steps.next(),
        return() {
          query.isLeft = true;
          return steps.return!();
        },
      };
    },
  };
}

/** A cursor's callback, as the driver calls it. */
type CursorFunction = (rows: unknown) => unknown;

/** What is to be known of a cursor, and of whoever it is for. */
interface WatchedCursor {
  /** Its rows are with the user, so that the server waits for him. */
  isLookedAt: boolean;
  /** Whether nobody wants its rows any more. */
  readonly isAbandoned: boolean;
  /** Ends it once nobody does, though its user may still look at some. */
  leave: (() => void) | undefined;
}

/** Lets a callback end with the last rows before whoever awaits the query goes on. */
function answerAfter(
  query: DriverQuery,
  last: () => Promise<unknown> | undefined,
): void {
  const { resolve } = query;
  query.resolve = (result) => {
    // Restored first: what runs again, or is given up, is answered as any other.
    query.resolve = resolve;
    const step = last();
    if (step === undefined) return query.resolve(result);
    step.then(() => query.resolve(result), ignore); // told by `step` itself
  };
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
  let last: Promise<unknown> | undefined;
  if (!isIterated) answerAfter(query, () => last);
  const guard = (cursorFn: CursorFunction) => (rows: unknown) => {
    // Who was told of an error is not asked for more.
    const isWanted = query.active && !query.isLeft && !watched.isAbandoned;
    if (!isWanted) return close;
    watched.isLookedAt = true;
    if (isIterated) query.reject = (error) => endCursor(query, error);
    const step = new Promise((resolve, reject) => {
      watched.leave = () => resolve(close);
      const look = async () => await cursorFn(rows);
      look().then(resolve, reject);
    });
    step.catch((error) => query.reject(error));
    last = step;
    const goOn = () => watched.isLookedAt = false;
    step.then(goOn, goOn);
    return step;
  };
  let guarded = guard(query.cursorFn as CursorFunction);
  Object.defineProperty(query, "cursorFn", {
    configurable: true,
    get: () => guarded,
    set: (cursorFn: CursorFunction) => guarded = guard(cursorFn),
  });
}
