/**
 * The statements that make, keep and undo a transaction or a savepoint.
 *
 * @module
 */

/** Those of one. */
export interface Brackets {
  readonly begin: string;
  readonly commit: string;
  readonly rollback: string;
}

/** Those of a transaction that begins so. */
export function transactionBrackets(begin: string): Brackets {
  return { begin, commit: "commit", rollback: "rollback" };
}

/** A COMMIT of a failed transaction is answered as what it did. */
export function isRollback(result: unknown): boolean {
  return (result as { command?: unknown } | null)?.command === "ROLLBACK";
}

/**
 * The savepoints of one transaction.
 *
 * Several may be open side by side, though the server knows them only one within
 * the other: what ends one ends those that were made after it.
 */
export class Savepoints {
  #made = 0;
  readonly #open: Brackets[] = [];

  /**
   * Makes one, with a label in its name.
   *
   * No two have the same number: of two that are open by one name, the later
   * would be meant where the earlier is.
   */
  make(label: string): Brackets {
    const suffix = label === "" ? "" : `_${label.replaceAll('"', '""')}`;
    const name = `"s${this.#made++}${suffix}"`;
    const made: Brackets = {
      begin: `savepoint ${name}`,
      commit: `release savepoint ${name}`,
      rollback: `rollback to savepoint ${name}; release savepoint ${name}`,
    };
    this.#open.push(made);
    return made;
  }

  /** Whether it is open: it was not undone with another, for one. */
  has(one: Brackets): boolean {
    return this.#open.includes(one);
  }

  /** Whether it can be released: others that were made after it would need it. */
  isLast(one: Brackets): boolean {
    return this.#open.at(-1) === one;
  }

  /** One is kept. */
  keep(one: Brackets): void {
    if (this.has(one)) this.#open.splice(this.#open.indexOf(one), 1);
  }

  /** One is undone, and with it those that were made after it. */
  undo(one: Brackets): void {
    if (this.has(one)) this.#open.splice(this.#open.indexOf(one));
  }
}
