/** Whether a pool's counters account for everybody who asked it. */
import type { Pool } from "../../mod.ts";

/** How many of those who asked were neither answered once nor wait: none. */
export function unaccounted(pool: Pool): number {
  const stats = pool.stats();
  const answered = stats.acquires + stats.queries + stats.acquireTimeouts +
    stats.acquireAborts + stats.acquireClosed + stats.acquireOverloads +
    stats.acquireFailures;
  return stats.requests - answered - stats.waiting;
}
