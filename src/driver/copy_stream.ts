/**
 * The streams of COPY.
 *
 * @module
 */

import type { DriverQuery } from "./driver_query.ts";

function ignore(): void {}

interface CopyStream {
  on(event: "error" | "close", listener: () => void): void;
  /** Whether its reader has all of it. */
  readonly readableEnded: boolean;
  /** Only of a stream that is written to. */
  readonly write?: unknown;
  /** Reads what comes, and forgets it. */
  resume(): void;
  destroy(error: unknown): void;
}

/** Who is to hear of a COPY. */
export interface CopyWatcher {
  /** Its user has a stream. */
  onStream(): void;
  /** Its reader has left it before its end: the driver waits for him for ever. */
  onLeft(): void;
  /** It has failed, perhaps after its stream was given. */
  onFailed(error: unknown): void;
}

const HOLDS_COPY = /\bcopy\b/i;

/** Whether a query that does not begin as a COPY may hold one, for all that is known of its text. */
export function mayHoldCopy(query: DriverQuery, firstWord: string): boolean {
  const { strings, args, options } = query;
  const isFragment = args.length > 0;
  if (!options.simple) return isFragment && firstWord === "";
  return isFragment || strings.some((text) => HOLDS_COPY.test(text));
}

/** What a cursor over a COPY is refused with. */
export function copyCursorError(): Error {
  return new TypeError(
    "Cannot run a COPY as a cursor: it has no rows; use .readable() or .writable()",
  );
}

/**
 * Has a COPY sent as one that needs no `Sync`: a server ignores those that come
 * before its stream ends, and the driver sends none afterwards.
 */
export function copySimply(query: DriverQuery): void {
  Object.assign(query.options, { simple: true, prepare: false });
}

/**
 * An error of a COPY stream that nobody listens to must not end the process.
 * What comes after the driver is done with a stream, it does not tell it; nor
 * what ends a query before its server has.
 */
export function guardStream(query: DriverQuery, watcher: CopyWatcher): void {
  const resolve = query.resolve.bind(query);
  const reject = query.reject.bind(query);
  const streams: CopyStream[] = [];
  let failure: { readonly error: unknown } | undefined;
  query.resolve = (result) => {
    if (isStream(result)) {
      streams.push(result);
      watcher.onStream();
      watch(result, watcher);
      if (failure !== undefined) result.destroy(failure.error);
      else if (streams.length > 1) leave(result);
    }
    resolve(result);
  };
  query.reject = (error) => {
    failure = { error: stringable(error) };
    for (const stream of streams) stream.destroy(failure.error);
    watcher.onFailed(error);
    reject(error);
  };
}

function watch(stream: CopyStream, watcher: CopyWatcher): void {
  stream.on("error", ignore);
  if (stream.write !== undefined) return;
  stream.on("close", () => stream.readableEnded || watcher.onLeft());
}

/** The second one of a text: nobody can have it, for the query was answered. */
function leave(stream: CopyStream): void {
  if (stream.write === undefined) stream.resume();
  else stream.destroy(new Error("Cannot go on: a text has one COPY at most"));
}

/** The driver tells a server why a COPY is given up, as text. */
function stringable(reason: unknown): unknown {
  try {
    void `${reason}`;
    return reason;
  } catch {
    return new Error("Cannot go on with a COPY: it was given up");
  }
}

function isStream(result: unknown): result is CopyStream {
  return typeof (result as CopyStream | undefined)?.on === "function";
}
