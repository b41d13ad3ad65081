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
  /** Whether its writer is done; only of a stream that is written to. */
  readonly writableEnded?: boolean;
  readonly destroyed: boolean;
  /** Whether anything of it was read. */
  readonly readableDidRead?: boolean;
  /** How much of it has come and is not read, and how much may be. */
  readonly readableLength?: number;
  readonly readableHighWaterMark?: number;
  /** Reads what comes, and forgets it. */
  resume(): void;
  destroy(error: unknown): void;
  /** How the driver ends one: it tells the server why, as text. */
  _destroy(error: unknown, onDestroyed: (error: unknown) => void): void;
  /** How the driver lets more come. */
  _read(): void;
}

/** Who is to hear of a COPY. */
export interface CopyWatcher {
  /** Its reader has left it before its end: `drain` lets what is left of it come. */
  onLeft(drain: () => void): void;
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
 * The streams of a query that may be a COPY.
 *
 * An error of a stream that nobody listens to must not end the process. What
 * comes after the driver is done with a stream, it does not tell it; nor what
 * ends a query before its server has.
 */
export class CopyGuard {
  readonly #watcher: CopyWatcher;
  readonly #streams: CopyStream[] = [];
  #failure: { readonly error: unknown } | undefined;

  /** Follows `query`, which is to be run. */
  constructor(query: DriverQuery, watcher: CopyWatcher) {
    this.#watcher = watcher;
    const resolve = query.resolve.bind(query);
    const reject = query.reject.bind(query);
    query.resolve = (result) => {
      if (isStream(result)) this.#take(result);
      resolve(result);
    };
    query.reject = (error) => {
      this.#fail(error);
      reject(error);
    };
  }

  /** Whether its user has a stream that is not at its end, though he may have left it. */
  get isOpen(): boolean {
    return this.#streams.some(({ writableEnded, readableEnded, destroyed }) =>
      writableEnded === undefined
        ? !readableEnded
        : !writableEnded && !destroyed
    );
  }

  /** Whether its server waits for the user to write more, to end, or to begin to read. */
  get isStalled(): boolean {
    return this.#streams.some((stream) =>
      !stream.destroyed && (stream.writableEnded === false || isUnread(stream))
    );
  }

  #take(stream: CopyStream): void {
    this.#streams.push(stream);
    stream.on("error", ignore);
    if (stream.writableEnded === undefined) {
      const drain = () => stream._read();
      stream.on("close", () => {
        if (!stream.readableEnded) this.#watcher.onLeft(drain);
      });
    } else destroyWithText(stream);
    if (this.#failure !== undefined) stream.destroy(this.#failure.error);
    else if (this.#streams.length > 1) leave(stream);
  }

  #fail(error: unknown): void {
    this.#failure = { error };
    for (const stream of this.#streams) stream.destroy(error);
    this.#watcher.onFailed(error);
  }
}

/** Whether it is full, and nobody has begun to read it. */
function isUnread(stream: CopyStream): boolean {
  const { readableDidRead, readableLength, readableHighWaterMark } = stream;
  return readableDidRead === false && readableLength! >= readableHighWaterMark!;
}

/** The second one of a text: nobody can have it, for the query was answered. */
function leave(stream: CopyStream): void {
  if (stream.writableEnded === undefined) stream.resume();
  else stream.destroy(new Error("Cannot go on: a text has one COPY at most"));
}

/** A reason without a text, as a symbol, would keep the server waiting. */
function destroyWithText(stream: CopyStream): void {
  const { _destroy } = stream;
  stream._destroy = (error, onDestroyed) =>
    _destroy.call(stream, stringable(error), onDestroyed);
}

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
