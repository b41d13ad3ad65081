/**
 * The clock port: the pool's only source of time and of chance.
 *
 * @module
 */

/** One timer that fires once per `arm`. */
export interface Timer {
  /** Fires after `delayMs`; replaces what was armed before. */
  arm(delayMs: number): void;
  /** Forgets what was armed. */
  disarm(): void;
  /** Lets the timer keep the process alive, or not. */
  hold(isHeld: boolean): void;
}

/** Time and chance. */
export interface Clock {
  /** Milliseconds that only ever grow; their zero means nothing. */
  now(): number;
  /** How much later than `recent` it may be, in milliseconds. */
  readonly lagMs: number;
  /** As `now`, but up to `lagMs` late, and cheaper; never less than what was told before. */
  recent(): number;
  /** Wall-clock milliseconds; runs ahead of `now` when the machine was asleep. */
  wallNow(): number;
  /** A number from 0 up to but not including 1. */
  random(): number;
  /** A timer that calls `callback`; it starts unarmed and does not keep the process alive. */
  timer(callback: () => void): Timer;
}
