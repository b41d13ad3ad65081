/**
 * Limits on a statement that runs on a connection already.
 *
 * @module
 */

import type { Statement } from "./driver/connection.ts";
import type { Member } from "./member.ts";
import type { PoolShell } from "./pool_shell.ts";
import { type Limited, QueryLimit } from "./query_limit.ts";
import type { QueryLimits } from "./sql.ts";

/** Watches a statement from when it is handed to its connection, if there is a limit. */
export function limitOnMember(
  shell: PoolShell,
  member: Member,
  statement: Statement,
  limits: QueryLimits,
): void {
  const { signal } = limits;
  const { queryTimeoutMs } = shell.options;
  const isLimited = signal !== undefined || limits.timeoutMs !== undefined;
  statement.isBarrier = isLimited;
  if (!isLimited && queryTimeoutMs === Infinity) return;
  const limited: Limited = {
    giveUp: (error) => shell.cancels.giveUp(member, statement, error),
  };
  const now = shell.now();
  const timeoutMs = Math.min(limits.timeoutMs ?? Infinity, queryTimeoutMs);
  const limit = new QueryLimit(
    limited,
    shell.alarms,
    { signal, timeoutMs },
    now,
  );
  statement.onEnd = () => limit.stop();
  shell.schedule(now);
}
