/**
 * When the pool may dial.
 *
 * @module
 */

// A server that restarts is back in well under a second; one that stays down
// is asked every five. HikariCP caps at the same.
const FIRST_DELAY_MS = 50;
const LAST_DELAY_MS = 5_000;

/**
 * The wait after `failures` failed dials in a row: doubling, and between half
 * and all of that by chance, so that many pools do not dial together.
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LAST_DELAY_MS);
  return ceiling * (0.5 + random / 2);
}

/**
 * Whether and how widely the pool may dial.
 *
 * While dials fail, one probes at a time. After a recovery, the number of dials
 * under way may double with each that succeeds: no stampede.
 */
export class Backoff {
  #failures = 0;
  #failedAt = -Infinity;
  #relapsedAt = -Infinity;
  #retryAt = -Infinity;
  #limit = Infinity;
  #error: unknown;
  #isPermanent = false;

  /** Failed rounds in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Before this no dial begins. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** The same, if it is to come; else `Infinity`. */
  next(now: number): number {
    return now < this.#retryAt ? this.#retryAt : Infinity;
  }

  /** The last failure, until a dial succeeds. */
  get error(): unknown {
    return this.#error;
  }

  /** Whether the next dial would surely fail the same way: fail fast until `retryAt`. */
  isHopeless(now: number): boolean {
    return this.#isPermanent && now < this.#retryAt;
  }

  /** Whether what failed last was a hook, on a connection that a dial had opened. */
  get isRelapsed(): boolean {
    return this.#failures > 0 && this.#failedAt === this.#relapsedAt;
  }

  /** How many dials may begin now, with so many under way. */
  allowance(now: number, underWay: number): number {
    if (now < this.#retryAt) return 0;
    return this.allowanceAtOnce(underWay);
  }

  /** The same, for whom nothing has failed: he waits for no retry time. */
  allowanceAtOnce(underWay: number): number {
    return Math.max(0, (this.#failures > 0 ? 1 : this.#limit) - underWay);
  }

  /** A dial opened a connection that works, unless only a hook can tell. */
  succeed(): void {
    if (this.isRelapsed) return;
    if (this.#failures > 0) this.#limit = 1;
    this.#limit *= 2;
    this.#failures = 0;
    this.#retryAt = -Infinity;
    this.#error = undefined;
    this.#isPermanent = false;
  }

  /** A hook ended well on a connection that a dial had opened. */
  confirm(): void {
    if (!this.isRelapsed) return;
    this.#relapsedAt = -Infinity;
    this.succeed();
  }

  /** A hook threw on a connection that a dial from `dialledAt` had opened: as if that had failed. */
  relapse(
    dialledAt: number,
    now: number,
    random: number,
    error: unknown,
  ): void {
    if (this.#failures > 0 && dialledAt <= this.#failedAt) return;
    this.#error = error;
    this.#isPermanent = false;
    this.#wait(now, random);
    this.#relapsedAt = now;
  }

  /** A dial that began at `dialledAt` failed. */
  fail(
    dialledAt: number,
    now: number,
    random: number,
    error: unknown,
    isPermanent: boolean,
  ): void {
    this.#error = error;
    this.#isPermanent = isPermanent;
    // Dials that were under way together fail together: they are one round.
    if (dialledAt > this.#failedAt) this.#wait(now, random);
  }

  /** One more round has failed. */
  #wait(now: number, random: number): void {
    this.#failedAt = now;
    this.#failures++;
    this.#retryAt = now + backoffMs(this.#failures, random);
  }
}
