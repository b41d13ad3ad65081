/**
 * What the shell has to do at a point in time.
 *
 * @module
 */

import { type Deadline, Deadlines } from "../core/deadlines.ts";

/** Something to be done at a point in time. */
export type Alarm = Deadline<() => void>;

/** Everything of the shell that has a time; the pool's one timer serves it. */
export class Alarms {
  readonly #deadlines = new Deadlines<() => void>();

  /** When the next is due, or `Infinity`. */
  get next(): number {
    return this.#deadlines.next;
  }

  /** Does `action` at `at`; `Infinity`: never. */
  set(at: number, action: () => void): Alarm | undefined {
    return this.#deadlines.add(at, action);
  }

  /** Forgets an alarm; any number of times. */
  drop(alarm: Alarm | undefined): void {
    this.#deadlines.drop(alarm);
  }

  /** Does all that is due. */
  ring(now: number): void {
    for (;;) {
      const action = this.#deadlines.takeDue(now);
      if (action === undefined) return;
      action();
    }
  }
}
