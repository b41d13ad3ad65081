/**
 * What the shell has to do at a point in time.
 *
 * @module
 */

import { type Deadline, Deadlines } from "../core/deadlines.ts";

/** Something to be done at a point in time. */
export type Alarm = Deadline<() => void>;

/** Everything of the shell that has a time; the pool's one timer serves it. */
export class Alarms extends Deadlines<() => void> {
  /** Does all that is due. */
  ring(now: number): void {
    for (;;) {
      const action = this.takeDue(now);
      if (action === undefined) return;
      action();
    }
  }
}
