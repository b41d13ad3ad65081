/**
 * The end of a query's time, or of its caller's patience.
 *
 * @module
 */

import { withoutFrames } from "../call_site.ts";
import type { Alarm, Alarms } from "./alarms.ts";
import type { Statement } from "../driver/connection.ts";
import type { Member } from "./member.ts";
import { QueryTimeoutError } from "../pool_errors.ts";
import type { PoolShell } from "./pool_shell.ts";
import type { QueryLimits } from "../sql.ts";

/** No limits. */
export const UNLIMITED: QueryLimits = Object.freeze({});

/** Watches one query from when it is asked for until it ends. */
export class QueryLimit {
  readonly #giveUp: (error: unknown) => void;
  readonly #alarms: Alarms;
  readonly #signal: AbortSignal | undefined;
  #alarm: Alarm | undefined;

  /** `giveUp` is called once, at most: it gives the caller the error, and ends the query as far as it can be. */
  constructor(
    giveUp: (error: unknown) => void,
    alarms: Alarms,
    { signal, timeoutMs = Infinity }: QueryLimits,
    now: number,
  ) {
    this.#giveUp = giveUp;
    this.#alarms = alarms;
    this.#signal = signal;
    signal?.addEventListener("abort", this, { once: true });
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
    this.#giveUp(error);
  }
}

/** Watches a statement from when it is handed to its connection, if there is a limit. */
export function limitOnMember(
  shell: PoolShell,
  member: Member,
  statement: Statement,
  limits: QueryLimits,
): void {
  const isLimited = limits.signal !== undefined ||
    limits.timeoutMs !== undefined;
  statement.isBarrier = isLimited;
  if (!isLimited && shell.options.queryTimeoutMs === Infinity) return;
  watch(shell, member, statement, limits);
}

// Apart, because what its closure keeps would be allocated for each statement.
function watch(
  shell: PoolShell,
  member: Member,
  statement: Statement,
  { signal, timeoutMs = Infinity }: QueryLimits,
): void {
  const leastMs = Math.min(timeoutMs, shell.options.queryTimeoutMs);
  let hasEnded = false;
  const limit = new QueryLimit(
    (error) => {
      // Its connection may run another's by now.
      if (hasEnded) statement.abandon(error);
      else shell.cancels.giveUp(member, statement, error);
    },
    shell.alarms,
    { signal, timeoutMs: leastMs },
    shell.now(),
  );
  statement.onEnd = () => {
    hasEnded = true;
    statement.whenAnswered(() => limit.stop());
  };
}
