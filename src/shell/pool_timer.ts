/**
 * The one timer of a pool.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/clock.ts";

/** Rings when something is due, and keeps the process alive while somebody waits. */
export class PoolTimer {
  readonly #timer: Timer;
  #armedAt = Infinity;
  #isHeld = false;

  constructor(clock: Clock, onRing: () => void) {
    this.#timer = clock.timer(() => {
      this.#armedAt = Infinity;
      onRing();
    });
  }

  /** Rings at `at` if not before: a bell too many costs less than one set at each acquire. */
  ringBy(at: number, now: number): void {
    if (at >= this.#armedAt) return;
    this.#armedAt = at;
    this.#timer.arm(at - now);
  }

  /** Lets it keep the process alive, or not. */
  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#timer.ref();
    else this.#timer.unref();
  }

  /** Forgets what is due. */
  stop(): void {
    this.#timer.disarm();
    this.#armedAt = Infinity;
  }
}
