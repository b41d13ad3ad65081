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
