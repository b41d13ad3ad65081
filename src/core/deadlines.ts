/**
 * Points on the clock, earliest first.
 *
 * @module
 */

/** One point on the clock, and whose it is. */
export interface Deadline<T> {
  /** When, on the pool's clock. */
  readonly at: number;
  /** Whose it is; `undefined` once it was dropped. */
  owner: T | undefined;
}

// Below this a rebuild saves less than it costs.
const MIN_REBUILD = 64;

/**
 * A binary heap of deadlines.
 *
 * Adding costs O(log n), and O(1) when deadlines come in order, as those of
 * equal timeouts do. Dropping costs O(1): the entry stays until it is due or
 * until more than half are dropped, when all of those go at once.
 */
export class Deadlines<T> {
  #heap: Deadline<T>[] = [];
  #dropped = 0;

  /** How many are to come. */
  get size(): number {
    return this.#heap.length - this.#dropped;
  }

  /** The earliest point to come, or `Infinity`. */
  get next(): number {
    let first = this.#heap[0];
    while (first !== undefined && first.owner === undefined) {
      this.#shift();
      this.#dropped--;
      first = this.#heap[0];
    }
    return first === undefined ? Infinity : first.at;
  }

  /** Adds a deadline; `Infinity` is never due and answers `undefined`. */
  add(at: number, owner: T): Deadline<T> | undefined {
    if (at === Infinity) return undefined;
    const deadline: Deadline<T> = { at, owner };
    this.#heap.push(deadline);
    this.#siftUp(this.#heap.length - 1);
    return deadline;
  }

  /** Forgets a deadline; any number of times, also one that was due. */
  drop(deadline: Deadline<T> | undefined): void {
    if (deadline === undefined || deadline.owner === undefined) return;
    deadline.owner = undefined;
    this.#dropped++;
    if (this.#heap.length > MIN_REBUILD && this.#dropped > this.size) {
      this.#rebuild();
    }
  }

  /** Takes the earliest deadline that is due at `now`. */
  takeDue(now: number): T | undefined {
    if (this.next > now) return undefined;
    const deadline = this.#shift()!;
    const owner = deadline.owner;
    deadline.owner = undefined;
    return owner;
  }

  #shift(): Deadline<T> | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0 && last !== undefined) {
      heap[0] = last;
      this.#siftDown(0);
    }
    return first;
  }

  #siftUp(start: number): void {
    const heap = this.#heap;
    const moving = heap[start]!;
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at <= moving.at) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = moving;
  }

  #siftDown(start: number): void {
    const heap = this.#heap;
    const moving = heap[start]!;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) {
        child++;
      }
      if (heap[child]!.at >= moving.at) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = moving;
  }

  #rebuild(): void {
    this.#heap = this.#heap.filter((deadline) => deadline.owner !== undefined);
    this.#dropped = 0;
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) {
      this.#siftDown(index);
    }
  }
}
