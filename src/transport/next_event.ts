/**
 * Waiting for one event of a socket that is being connected.
 *
 * @module
 */

import type { Socket as NodeStream } from "node:net";

/**
 * Waits for `name`, and answers what came with it; an error, a close or an abort
 * before it rejects.
 *
 * Nothing stays attached once it has settled. After `data` the stream stands
 * still, so that what comes later stays where it is.
 */
export function nextEvent<T>(
  stream: NodeStream,
  name: "connect" | "data" | "secureConnect",
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    function settle(finish: () => void): void {
      stream.off(name, onEvent);
      stream.off("error", onError);
      stream.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      finish();
    }
    function onEvent(given: T): void {
      if (name === "data") stream.pause();
      settle(() => resolve(given));
    }
    function onError(error: unknown): void {
      settle(() => reject(error));
    }
    function onClose(): void {
      settle(() => reject(closedEarly()));
    }
    function onAbort(): void {
      settle(() => reject(signal.reason));
    }
    if (signal.aborted) return reject(signal.reason);
    if (stream.destroyed) return reject(closedEarly());
    stream.on(name, onEvent);
    stream.on("error", onError);
    stream.on("close", onClose);
    signal.addEventListener("abort", onAbort);
  });
}

function closedEarly(): Error {
  const error = new Error("Cannot connect: the server closed the connection");
  return Object.assign(error, { code: "EOF" });
}
