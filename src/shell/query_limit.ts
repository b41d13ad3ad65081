/**
 * The end of a query's time, or of its caller's patience.
 *
 * @module
 */

import { withoutFrames } from "../call_site.ts";
import type { Alarm, Alarms } from "./alarms.ts";
import { QueryTimeoutError } from "../pool_errors.ts";
import type { QueryLimits } from "../sql.ts";

/** What has limits: it is told once, at most, that it is over. */
export interface Limited {
  /** Gives the caller `error`, and ends the query as far as it can be. */
  giveUp(error: unknown): void;
}

/** No limits. */
export const UNLIMITED: QueryLimits = Object.freeze({});

/** Watches one query from when it is asked for until it ends. */
export class QueryLimit {
  readonly #limited: Limited;
  readonly #alarms: Alarms;
  readonly #signal: AbortSignal | undefined;
  #alarm: Alarm | undefined;

  constructor(
    limited: Limited,
    alarms: Alarms,
    limits: QueryLimits,
    now: number,
  ) {
    this.#limited = limited;
    this.#alarms = alarms;
    this.#signal = limits.signal;
    this.#signal?.addEventListener("abort", this, { once: true });
    const { timeoutMs } = limits;
    if (timeoutMs === undefined) return;
    this.#alarm = alarms.add(now + timeoutMs, () => {
      this.#end(withoutFrames(() => new QueryTimeoutError(timeoutMs)));
    });
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#end(this.#signal!.reason);
  }

  /** Stops watching; any number of times. */
  stop(): void {
    this.#signal?.removeEventListener("abort", this);
    this.#alarms.drop(this.#alarm);
  }

  #end(error: unknown): void {
    this.stop();
    this.#limited.giveUp(error);
  }
}
