/**
 * The clock of the machine: the only file that starts a timer.
 *
 * @module
 */

import type { Clock, Timer } from "./clock.ts";

// setTimeout keeps only 31 bits; a later deadline is armed again when this one fires.
const LONGEST_DELAY_MS = 2 ** 31 - 1;

type TimeoutId = ReturnType<typeof setTimeout>;

/** Lets a timeout keep the process alive, or not; nothing where the runtime has no such notion. */
function hold(id: TimeoutId, isHeld: boolean): void {
  if (typeof id === "object") {
    const timeout = id as { ref?(): void; unref?(): void };
    if (isHeld) timeout.ref?.();
    else timeout.unref?.();
  } else if (typeof Deno !== "undefined") {
    // Deno before 2.8 answers a number.
    if (isHeld) Deno.refTimer(id);
    else Deno.unrefTimer(id);
  }
}

class SystemTimer implements Timer {
  #id: TimeoutId | undefined;
  #isHeld = false;
  readonly #callback: () => void;

  constructor(callback: () => void) {
    this.#callback = callback;
  }

  arm(delayMs: number): void {
    this.disarm();
    const delay = Math.min(Math.max(0, Math.ceil(delayMs)), LONGEST_DELAY_MS);
    this.#id = setTimeout(() => {
      this.#id = undefined;
      this.#callback();
    }, delay);
    if (!this.#isHeld) hold(this.#id, false);
  }

  disarm(): void {
    if (this.#id !== undefined) clearTimeout(this.#id);
    this.#id = undefined;
  }

  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (this.#id !== undefined) hold(this.#id, isHeld);
  }
}

/** The machine's own time and chance. */
class SystemClock implements Clock {
  readonly lagMs = 1;
  #wall = NaN;
  #recent = 0;

  now(): number {
    return this.#recent = performance.now();
  }

  // Asking for the wall clock's time costs less.
  recent(): number {
    const wall = Date.now();
    if (wall === this.#wall) return this.#recent;
    this.#wall = wall;
    return this.now();
  }

  wallNow(): number {
    return Date.now();
  }

  random(): number {
    return Math.random();
  }

  timer(callback: () => void): Timer {
    return new SystemTimer(callback);
  }
}

/** The clock of this process. */
export const systemClock: Clock = new SystemClock();
