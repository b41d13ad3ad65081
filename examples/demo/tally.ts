/** What the clients met, counted as it happens. */

/** What a client asks the bank for. */
export type RequestKind = "transfer" | "account" | "statement" | "total";

/** How one request ended. */
export interface Outcome {
  readonly kind: RequestKind;
  /** Why it was not answered as hoped: `aborted`, or a status and a code. */
  readonly error?: string;
}

const SLICE_MS = 250;

/** Counts outcomes. */
export class Tally {
  readonly answered: Record<RequestKind, number> = {
    transfer: 0,
    account: 0,
    statement: 0,
    total: 0,
  };
  readonly errors: Record<string, number> = {};
  /** The transfers that a client was told are done. */
  readonly confirmed: number[] = [];
  /** How often a transfer was run again because it met another. */
  retries = 0;
  requests = 0;
  readonly #slices: number[] = [];
  readonly #startedAt = performance.now();

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Requests that ended in each quarter of a second that is over. */
  get slices(): readonly number[] {
    const length = Math.floor(this.elapsedMs / SLICE_MS);
    return Array.from({ length }, (_, slice) => this.#slices[slice] ?? 0);
  }

  /** Requests per second, of the last full second or what there was of it. */
  get rate(): number {
    const recent = this.slices.slice(-1_000 / SLICE_MS);
    const sum = recent.reduce((total, count) => total + count, 0);
    return recent.length === 0 ? 0 : sum / recent.length * 1_000 / SLICE_MS;
  }

  count({ kind, error }: Outcome): void {
    this.requests++;
    if (error === undefined) this.answered[kind]++;
    else this.errors[error] = (this.errors[error] ?? 0) + 1;
    const slice = Math.floor(this.elapsedMs / SLICE_MS);
    this.#slices[slice] = (this.#slices[slice] ?? 0) + 1;
  }
}
