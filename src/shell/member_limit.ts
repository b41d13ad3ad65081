/**
 * Limits on a statement that runs on a connection already.
 *
 * @module
 */

import type { Statement } from "../driver/connection.ts";
import type { Member } from "./member.ts";
import type { PoolShell } from "./pool_shell.ts";
import { type Limited, QueryLimit } from "./query_limit.ts";
import type { QueryLimits } from "../sql.ts";

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
  const limited: Limited = {
    giveUp: (error) => shell.cancels.giveUp(member, statement, error),
  };
  const leastMs = Math.min(timeoutMs, shell.options.queryTimeoutMs);
  const limit = new QueryLimit(
    limited,
    shell.alarms,
    { signal, timeoutMs: leastMs },
    shell.now(),
  );
  statement.onEnd = () => limit.stop();
}
