/**
 * A pool from its parts, whatever they are made of.
 *
 * @module
 */

import { CallablePool } from "./callable_pool.ts";
import { type PoolParts, PoolShell } from "./shell/pool_shell.ts";
import { Lease } from "./lease.ts";
import type { LeaseKeeper } from "./shell/member.ts";
import { QueryRouter } from "./shell/query_router.ts";
import { Upkeep } from "./shell/upkeep.ts";

/** Puts a pool together and lets it open its first connections. */
export function assemblePool(parts: PoolParts): CallablePool {
  const shell = new PoolShell(parts);
  const router = new QueryRouter(shell);
  shell.losses = router;
  const keeper = hookKeeper(shell);
  shell.upkeep = new Upkeep(shell, async (member, hook) => {
    const lease = new Lease(shell, member, keeper);
    try {
      await hook(lease.public);
    } finally {
      await lease.release();
    }
  });
  shell.feed({ kind: "tick", now: shell.now() });
  return new CallablePool(shell, router);
}

/** The connection goes on to where the pool takes it, whatever a hook does with its lease. */
function hookKeeper({ cancels, options }: PoolShell): LeaseKeeper {
  return {
    end(member, isDestroyed) {
      if (!isDestroyed) return undefined;
      member.isDestroyed = true;
      void cancels.close(member.connection, options.closeTimeoutMs);
      return undefined;
    },
  };
}
