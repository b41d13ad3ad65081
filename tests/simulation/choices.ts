/**
 * What a simulated life consists of: decisions, drawn beforehand so that a life
 * that fails can be made shorter.
 *
 * @module
 */

import fc from "npm:fast-check@4.3.0";

/** Numbers that decide; when they run out, the first of everything is taken. */
export class Choices {
  readonly #numbers: readonly number[];
  #next = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** A whole number from 0 up to but not including `end`. */
  below(end: number): number {
    return (this.#numbers[this.#next++] ?? 0) % end;
  }

  /** True in so many of a hundred. */
  chance(percent: number): boolean {
    return 99 - this.below(100) < percent;
  }

  /** One of them; `undefined` of none. */
  maybe<T>(items: readonly T[]): T | undefined {
    return items[this.below(Math.max(1, items.length))];
  }

  /** One of them; there must be one. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)]!;
  }
}

/** Everything that chance has a say in, in one life. */
export interface Plan {
  /** The options of the pool. */
  readonly options: readonly number[];
  /** Which kinds of events there are: swarm testing. */
  readonly swarm: readonly boolean[];
  /** What hooks and listeners do. */
  readonly asides: readonly number[];
  /** One after the other: which event, and how. */
  readonly events: readonly (readonly number[])[];
}

const number = fc.noBias(fc.nat(0xffff));

/** Draws plans. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  options: fc.array(number, { minLength: 20, maxLength: 20 }),
  swarm: fc.array(fc.noBias(fc.boolean()), { minLength: 64, maxLength: 64 }),
  asides: fc.array(number, { minLength: 30, maxLength: 30 }),
  events: fc.array(
    fc.array(number, { minLength: 8, maxLength: 8 }),
    { minLength: 10, maxLength: 130, size: "max" },
  ),
});
