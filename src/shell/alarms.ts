/**
 * What is due when, on the one timer of a pool.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/clock.ts";
import { type Deadline, Deadlines } from "../core/deadlines.ts";

/** Something that the shell has to do at a point in time. */
export type Alarm = Deadline<() => void>;

/**
 * What the shell has to do at points in time, and the timer that rings for it
 * and for the core. It keeps the process alive while somebody waits.
 */
export class Alarms extends Deadlines<() => void> {
  readonly #clock: Clock;
  readonly #timer: Timer;
  #armedAt = Infinity;

  /** `onRing` is called when something is due; it is to call `ring`. */
  constructor(clock: Clock, onRing: () => void) {
    super();
    this.#clock = clock;
    this.#timer = clock.timer(() => {
      this.#armedAt = Infinity;
      onRing();
    });
  }

  override add(at: number, action: () => void): Alarm | undefined {
    this.ringBy(at);
    return super.add(at, action);
  }

  /** Rings at `at` if not before: a bell too many costs less than one set at each acquire. */
  ringBy(at: number): void {
    if (at >= this.#armedAt) return;
    this.#armedAt = at;
    this.#timer.arm(at - this.#clock.now());
  }

  /** Does all that is due. */
  ring(now: number): void {
    for (;;) {
      const action = this.takeDue(now);
      if (action === undefined) break;
      action();
    }
    this.ringBy(this.next);
  }

  /** Lets the timer keep the process alive, or not. */
  hold(isHeld: boolean): void {
    this.#timer.hold(isHeld);
  }

  /** Rings for what is left here alone: the core is done. */
  rest(): void {
    this.#timer.disarm();
    this.#armedAt = Infinity;
    this.ringBy(this.next);
  }
}
