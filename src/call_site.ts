/**
 * Where in a program something was called.
 *
 * @module
 */

// Enough to get out of this package and to the caller of a caller.
const MAX_FRAMES = 12;

// The folder of the sources, or what `deno task build` makes of them. In the
// bundle of a program nothing tells them from the program's.
const OWN_PLACE = ownPlace(import.meta.url);

// What a runtime calls, or is called by; never where somebody called us.
const RUNTIME_FRAME =
  /\((ext|node|native):|\bat (async )?(ext|node|native):|\((<anonymous>|index \d+)\)$/;

function ownPlace(url: string | undefined): string | undefined {
  const [, folder, file] =
    url?.match(/^(.*\/)call_site\.[jt]s$|^(.*\/tidepool\.js)$/) ?? [];
  return folder ?? file;
}

// Those made without frames that have no place yet.
const unplaced = new WeakSet<Error>();

/**
 * Runs what makes errors whose frames would be ours and the driver's alone.
 *
 * Deno shows the frames of an error that nobody catches, and no others: where a
 * query was made can only be added as text, and is shown where there are none.
 */
export function runWithoutFrames<T>(run: () => T): T {
  const { stackTraceLimit } = Error;
  limitFrames(0);
  try {
    return run();
  } finally {
    limitFrames(stackTraceLimit);
  }
}

/** Makes an error so, for `placeError()`. */
export function withoutFrames<T extends Error | undefined>(make: () => T): T {
  const error = runWithoutFrames(make);
  if (error !== undefined) unplaced.add(error);
  return error;
}

/** Adds to an error that was made so where it belongs, once: frames as text, a line each. */
export function placeError(
  error: unknown,
  { origin }: { readonly origin: string },
): void {
  const made = error as Error;
  if (!unplaced.delete(made)) return;
  const value = stackOf(made) + origin;
  const descriptor = { value, writable: true, configurable: true };
  Reflect.defineProperty(made, "stack", descriptor);
}

/**
 * The same where a call was, whose frames are made text when they are asked for:
 * that takes many times as long as to refuse whoever called.
 */
export function placeErrorAt(error: Error, site: CallSite): void {
  if (!unplaced.delete(error)) return;
  let stack: unknown;
  Reflect.defineProperty(error, "stack", {
    configurable: true,
    get: () => stack ??= `${error.name}: ${error.message}${site.origin}`,
    set: (value: unknown) => stack = value,
  });
}

/**
 * Rejects with an error that was made so, and places it where it is awaited.
 *
 * What awaits a promise is in the frames of an async function that settles it,
 * from when the two are linked: they are after two turns of the microtasks. So
 * it costs nothing to wait for what is never rejected.
 *
 * @throws What it is given.
 */
export async function rejectAwaited(error: Error): Promise<never> {
  await undefined;
  await undefined;
  if (unplaced.has(error)) placeErrorAt(error, new CallSite(rejectAwaited));
  throw error;
}

/** Frames, one a line, as the lines of a stack; empty if there are none. */
export function stackLines(frames: string): string {
  return frames === "" ? "" : `\n${frames}`.replaceAll("\n", "\n    ");
}

/** Sets how many frames an error gets, where a program lets that be set. */
function limitFrames(limit: number): void {
  Reflect.set(Error, "stackTraceLimit", limit);
}

/** Notes where it is called; the text is made when it is asked for. */
export class CallSite {
  /** Let go once there is a text: its frames keep what they were called on. */
  #error: Error | undefined;
  #text: string | undefined;

  /** `entry` is what a program called of ours, where that is known: it is left out, and what it called. */
  constructor(entry?: unknown) {
    const { stackTraceLimit } = Error;
    limitFrames(MAX_FRAMES);
    const error = this.#error = new Error();
    if (typeof entry === "function") {
      Error.captureStackTrace(error, entry as () => void);
    }
    limitFrames(stackTraceLimit);
  }

  /** The frames of the program, one a line; of a bundle all, unless there is an entry. */
  toString(): string {
    return this.#text ??= this.#outside();
  }

  /** The same, as the lines of a stack. */
  get origin(): string {
    return stackLines(this.toString());
  }

  #outside(): string {
    const frames = stackOf(this.#error!).split("\n").slice(1);
    this.#error = undefined;
    return frames.map((frame) => frame.trim()).filter(isOutside).join("\n");
  }
}

/** A program may have set `Error.prepareStackTrace`, to whatever it likes. */
function stackOf(error: Error): string {
  try {
    const stack: unknown = error.stack;
    return typeof stack === "string" ? stack : "";
  } catch {
    return "";
  }
}

function isOutside(frame: string): boolean {
  if (RUNTIME_FRAME.test(frame)) return false;
  return OWN_PLACE === undefined || !frame.includes(OWN_PLACE);
}
