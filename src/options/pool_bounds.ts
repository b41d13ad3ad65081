/**
 * How few and how many connections a pool has.
 *
 * @module
 */

import { passedTo, readOptions } from "./option_check.ts";
import { integer } from "./option_kinds.ts";

/** How few and how many connections a pool has. */
export interface PoolBounds {
  /** Kept open. */
  readonly min: number;
  /** The most at once. */
  readonly max: number;
}

/** The options of `pool.resize()`; what is left out stays. */
export interface ResizeOptions {
  /** How many connections are kept open. */
  readonly min?: number | undefined;
  /** The most connections at once. */
  readonly max?: number | undefined;
}

/** How the bounds are read. */
export const BOUND_RULES = { min: integer(0), max: integer(1) } as const;

const RESIZE = passedTo("resize the pool");

/**
 * The bounds that a pool is to have from now on.
 *
 * @throws {TypeError} If an option is unknown or of a wrong type.
 * @throws {RangeError} If one is out of range, or `min` above `max`.
 */
export function checkResize(
  options: ResizeOptions,
  current: PoolBounds,
): PoolBounds {
  const given: Partial<PoolBounds> = readOptions(BOUND_RULES, options, RESIZE);
  const { min = current.min, max = current.max } = given;
  return checkBounds({ min, max }, RESIZE.action);
}

/** Answers `bounds` if they are in order. */
export function checkBounds(bounds: PoolBounds, action: string): PoolBounds {
  const { min, max } = bounds;
  if (min <= max) return bounds;
  throw new RangeError(
    `Cannot ${action}: option "min" must be at most max (${max}), got ${min}`,
  );
}
