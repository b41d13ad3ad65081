/**
 * Where in a program something was called.
 *
 * @module
 */

// Enough to get out of this package and to the caller of a caller.
const MAX_FRAMES = 12;

// The folder of the sources; in a bundle, the bundle.
const OWN_PLACE = import.meta.url.replace(/\bcall_site\.[jt]s$/, "");

// Where a runtime calls a program; never where somebody called us.
const RUNTIME_FRAME = /\((ext|node|native):|\bat (ext|node|native):/;

/** Notes where it is called; the text is made when it is asked for. */
export class CallSite {
  readonly #error: Error;
  #text: string | undefined;

  /** `entry` is what a program called, where that is known: nothing below it is its own. */
  constructor(entry?: unknown) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = MAX_FRAMES;
    this.#error = new Error();
    if (typeof entry === "function") {
      Error.captureStackTrace(this.#error, entry as () => void);
    }
    Error.stackTraceLimit = stackTraceLimit;
  }

  /** The frames outside this package, one a line; all, where they cannot be told apart. */
  toString(): string {
    return this.#text ??= this.#outside();
  }

  #outside(): string {
    const frames = (this.#error.stack ?? "").split("\n").slice(1);
    const outside = frames.filter((frame) =>
      !frame.includes(OWN_PLACE) && !RUNTIME_FRAME.test(frame)
    );
    // In a program that is one bundle nothing is outside.
    const shown = outside.length > 0 ? outside : frames;
    return shown.map((frame) => frame.trim()).join("\n");
  }
}
