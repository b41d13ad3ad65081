/**
 * Calls to what a user wrote to watch, not to act.
 *
 * @module
 */

/**
 * Calls an observer. What it throws goes to `onFault` and no further, and so
 * does what it rejects with: an unhandled rejection would end the process.
 */
export function callObserver(
  call: () => unknown,
  onFault: (error: unknown) => void,
): void {
  try {
    const result = call();
    if (isThenable(result)) result.then(undefined, onFault);
  } catch (error) {
    onFault(error);
  }
}

/** The same function as an observer whose faults nobody is told of. */
export function asObserver<Args extends readonly unknown[]>(
  observer: (...args: Args) => unknown,
): (...args: Args) => void {
  return (...args) => callObserver(() => observer(...args), ignore);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)
    ?.then === "function";
}

function ignore(): void {}
