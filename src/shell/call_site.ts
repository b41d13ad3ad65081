/**
 * Where in a program something was called.
 *
 * @module
 */

// Enough to get out of this package and to the caller of a caller.
const MAX_FRAMES = 12;

const OWN_FOLDER = import.meta.url.slice(0, import.meta.url.lastIndexOf("/"));

/** Notes where it is called; the text is made when it is asked for. */
export class CallSite {
  readonly #error: Error;
  #text: string | undefined;

  constructor() {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = MAX_FRAMES;
    this.#error = new Error();
    Error.stackTraceLimit = stackTraceLimit;
  }

  /** The frames outside this package, one a line. */
  toString(): string {
    return this.#text ??= this.#outside();
  }

  #outside(): string {
    const frames = (this.#error.stack ?? "").split("\n").slice(1);
    const outside = frames.filter((frame) => !frame.includes(OWN_FOLDER));
    return outside.map((frame) => frame.trim()).join("\n");
  }
}
