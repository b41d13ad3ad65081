/** What the callers saw: every statement and transfer, and whatever nobody should see. */
import {
  AcquireTimeoutError,
  ConnectionLostError,
  QueryTimeoutError,
} from "../../mod.ts";
import type { TransferFate } from "./journal.ts";

// How a server answers when two callers want the same: theirs to try again.
const CONFLICTS: ReadonlySet<unknown> = new Set(["40001", "40P01", "55P03"]);

// Enough of them to see what is wrong.
const MAX_NOTES = 10;

/** Keeps the books of all callers. */
export class Witness {
  /** Of each statement that was answered, the session it was answered by, where that is known. */
  readonly answered = new Map<string, number | undefined>();
  /** The session of each lease. */
  readonly leases = new Map<string, number>();
  /** What became of each transfer, as its caller was told. */
  readonly transfers = new Map<string, TransferFate>();
  /** How many statements were begun. */
  statements = 0;
  /** How many operations ended with an error that a kill explains. */
  failures = 0;
  /** How many operations have begun and not ended. */
  pending = 0;
  /** What is wrong, in words. */
  readonly wrong: string[] = [];
  wrongResults = 0;
  #lastId = 0;

  /** An id that no other statement has. */
  nextId(): string {
    return `s${++this.#lastId}`;
  }

  /** Follows an operation to its end. */
  async follow(what: string, operation: () => Promise<void>): Promise<void> {
    this.pending++;
    try {
      await operation();
    } catch (error) {
      this.failures++;
      if (!isExplained(error)) this.report(`${what}: ${describe(error)}`);
    } finally {
      this.pending--;
    }
  }

  /** Notes a wrong result. */
  report(what: string): void {
    this.wrongResults++;
    if (this.wrong.length < MAX_NOTES) this.wrong.push(what);
  }

  /** Notes an answer, and that it is the one that was asked for. */
  check(
    id: string,
    rows: readonly Record<string, unknown>[],
    lease?: string,
  ): void {
    const pid = lease === undefined ? undefined : this.leases.get(lease);
    this.answered.set(id, pid);
    const [row] = rows;
    if (rows.length !== 1 || row?.["id"] !== id) {
      this.report(`${id} was answered ${JSON.stringify(rows)}`);
    } else if (pid !== undefined && row["pid"] !== pid) {
      this.report(`${id} of session ${pid} was answered by ${row["pid"]}`);
    }
  }
}

/** Whether a kill, or another caller's transfer, explains an error. */
function isExplained(error: unknown): boolean {
  return error instanceof ConnectionLostError ||
    error instanceof QueryTimeoutError ||
    error instanceof AcquireTimeoutError ||
    error instanceof PlannedError ||
    CONFLICTS.has((error as { code?: unknown } | null)?.code);
}

/** What a caller throws on purpose. */
export class PlannedError extends Error {
  override readonly name = "PlannedError";
}

function describe(error: unknown): string {
  return error instanceof Error
    ? `${error.name} ${(error as { code?: unknown }).code ?? ""} ${error.stack}`
    : String(error);
}
