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
  write?: unknown;
  destroy(error: unknown): void;
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
 *
 * When a reader leaves early, the driver waits for it for ever: `onLeft` is
 * told.
 */
export function guardStream(query: DriverQuery, onLeft: () => void): void {
  const resolve = query.resolve.bind(query);
  const reject = query.reject.bind(query);
  let stream: CopyStream | undefined;
  query.resolve = (result) => {
    if (isStream(result)) {
      stream = result;
      stream.on("error", ignore);
      const isRead = stream.write === undefined;
      if (isRead) stream.on("close", () => result.readableEnded || onLeft());
    }
    resolve(result);
  };
  query.reject = (error) => {
    stream?.destroy(error);
    reject(error);
  };
}

function isStream(result: unknown): result is CopyStream {
  return typeof (result as CopyStream | undefined)?.on === "function";
}
