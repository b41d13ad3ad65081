/**
 * Statements in order.
 *
 * @module
 */

/** What can stand in one queue at a time. */
export interface Queued<S> {
  /** Who stands behind it; only its queue sets it. */
  next: S | undefined;
}

/** A first-in, first-out queue whose links are in what it holds: it allocates nothing. */
export class StatementQueue<S extends Queued<S>> {
  #head: S | undefined;
  #tail: S | undefined;
  #length = 0;

  /** How many. */
  get length(): number {
    return this.#length;
  }

  /** The first in. */
  get head(): S | undefined {
    return this.#head;
  }

  /** The last in. */
  get tail(): S | undefined {
    return this.#tail;
  }

  /** Adds one at the end. */
  push(statement: S): void {
    statement.next = undefined;
    if (this.#tail === undefined) this.#head = statement;
    else this.#tail.next = statement;
    this.#tail = statement;
    this.#length++;
  }

  /** Takes the first out. */
  shift(): S | undefined {
    const first = this.#head;
    if (first === undefined) return undefined;
    this.#head = first.next;
    if (this.#head === undefined) this.#tail = undefined;
    first.next = undefined;
    this.#length--;
    return first;
  }

  /** Takes one out, wherever it stands. Costs O(those that came before it). */
  remove(statement: S): void {
    if (this.#head === statement) return void this.shift();
    let before = this.#head;
    while (before !== undefined && before.next !== statement) {
      before = before.next;
    }
    if (before === undefined) return;
    before.next = statement.next;
    if (this.#tail === statement) this.#tail = before;
    statement.next = undefined;
    this.#length--;
  }

  /** Takes all out; answers them. */
  takeAll(): S[] {
    const all = [...this];
    this.#head = this.#tail = undefined;
    this.#length = 0;
    for (const statement of all) statement.next = undefined;
    return all;
  }

  /** Puts these before all others, in their order. */
  putBefore(statements: readonly S[]): void {
    const others = this.takeAll();
    for (const statement of statements) this.push(statement);
    for (const statement of others) this.push(statement);
  }

  /** Whether `isSo` of each. */
  every(isSo: (statement: S) => boolean): boolean {
    for (let at = this.#head; at !== undefined; at = at.next) {
      if (!isSo(at)) return false;
    }
    return true;
  }

  /** All, first come first. */
  *[Symbol.iterator](): Generator<S> {
    for (let at = this.#head; at !== undefined; at = at.next) yield at;
  }
}
