import type { Pool } from "../../mod.ts";
import type { Clock, Timer } from "../../src/clock/clock.ts";
import { nextTurn } from "./eventually.ts";

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  /** What `random()` answers: chance has no part in a test. */
  chance: () => number = () => 0;
  readonly #timers = new Set<ManualTimer>();
  #now = 0;
  #asleepMs = 0;

  now(): number {
    return this.#now;
  }

  lagMs = 0;

  recent(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#now + this.#asleepMs;
  }

  random(): number {
    return this.chance();
  }

  timer(callback: () => void): Timer {
    const timer = new ManualTimer(this, callback);
    this.#timers.add(timer);
    return timer;
  }

  /** How many timers will ring. */
  get armed(): number {
    return [...this.#timers].filter(({ at }) => at !== Infinity).length;
  }

  /** When the next timer rings; `Infinity`: none will. */
  get nextAt(): number {
    return Math.min(...[...this.#timers].map(({ at }) => at));
  }

  /** Moves on, ringing each timer at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let at = this.nextAt; at <= end; at = this.nextAt) {
      this.#now = Math.max(this.#now, at);
      for (const timer of this.#timers) timer.ringAt(this.#now);
    }
    this.#now = end;
  }

  /** Lets the event loop stand still: time moves on, and timers ring late. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** Lets the machine sleep: only the wall clock moves on. */
  sleep(ms: number): void {
    this.#asleepMs += ms;
  }
}

/** Closes a pool whose time stands still: it moves on by no more than closing takes. */
export async function closeAtOnce(
  pool: Pick<Pool, "close">,
  clock: ManualClock,
): Promise<void> {
  const closed = pool.close({ timeoutMs: 0, force: true });
  await nextTurn();
  clock.advance(0);
  await closed;
}

class ManualTimer implements Timer {
  at = Infinity;
  readonly #clock: Clock;
  readonly #callback: () => void;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  arm(delayMs: number): void {
    this.at = this.#clock.now() + Math.max(0, delayMs);
  }

  disarm(): void {
    this.at = Infinity;
  }

  ringAt(now: number): void {
    if (this.at > now) return;
    this.at = Infinity;
    this.#callback();
  }

  hold(): void {}
}
