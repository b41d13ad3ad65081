/** What became of a promise, as far as it is known; it starts a lazy query, and nothing goes unhandled. */
export class Fate {
  /** What it was fulfilled with, or rejected. */
  value: unknown;
  isSettled = false;
  /** Resolves, to the same value, once it is settled either way. */
  readonly settled: Promise<unknown>;

  constructor(promise: PromiseLike<unknown>) {
    const note = (value: unknown) => {
      this.isSettled = true;
      this.value = value;
      return value;
    };
    this.settled = Promise.resolve(promise.then(note, note));
  }
}
