/**
 * Whether the machine was asleep.
 *
 * @module
 */

import type { Clock } from "../clock/clock.ts";

// A wall clock that ran ahead of the other by this much was not adjusted: the
// machine was asleep.
const LEAP_MS = 1_000;

/** Compares two clocks: one of them stands still while the machine sleeps. */
export class SleepWatch {
  readonly #clock: Clock;
  #wallLead: number;
  #lastNow = NaN;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallLead = clock.wallNow() - clock.now();
  }

  /** Whether the machine slept since this was last asked. */
  hasSlept(now: number): boolean {
    if (now === this.#lastNow) return false;
    this.#lastNow = now;
    const wallLead = this.#clock.wallNow() - now;
    const hasSlept = wallLead - this.#wallLead > LEAP_MS;
    this.#wallLead = wallLead;
    return hasSlept;
  }
}
