/**
 * The statements that make, keep and undo a transaction or a savepoint.
 *
 * @module
 */

/** Those of one. */
export interface Brackets {
  readonly noun: "transaction" | "savepoint";
  readonly begin: string;
  readonly commit: string;
  readonly rollback: string;
}

/** Those of a transaction that begins so. */
export function transactionBrackets(begin: string): Brackets {
  return { noun: "transaction", begin, commit: "commit", rollback: "rollback" };
}

/**
 * Those of a savepoint, with a label in its name.
 *
 * No two in one transaction have the same `number`: of two that are open by one
 * name, the later would be meant where the earlier is.
 */
export function savepointBrackets(number: number, label: string): Brackets {
  const suffix = label === "" ? "" : `_${label.replaceAll('"', '""')}`;
  const name = `"s${number}${suffix}"`;
  return {
    noun: "savepoint",
    begin: `savepoint ${name}`,
    commit: `release savepoint ${name}`,
    rollback: `rollback to savepoint ${name}; release savepoint ${name}`,
  };
}
