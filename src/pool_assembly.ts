/**
 * A pool from its parts, whatever they are made of.
 *
 * @module
 */

import { CallablePool } from "./callable_pool.ts";
import { type PoolParts, PoolShell } from "./shell/pool_shell.ts";
import { Lease } from "./lease.ts";
import type { LeaseKeeper } from "./shell/member.ts";
import type { HookRunner } from "./shell/upkeep.ts";

/** Puts a pool together and lets it open its first connections. */
export function assemblePool(parts: PoolParts): CallablePool {
  const shell = new PoolShell(parts, runHook);
  shell.feed({ kind: "tick", now: shell.now() });
  return new CallablePool(shell);
}

const runHook: HookRunner = async (shell, member, hook) => {
  const lease = new Lease(shell, member, hookKeeper(shell));
  try {
    await hook(lease.public);
  } finally {
    await lease.release();
  }
};

/** The connection goes on to where the pool takes it, whatever a hook does with its lease. */
function hookKeeper({ closes, options }: PoolShell): LeaseKeeper {
  return {
    end(member, isDestroyed) {
      if (!isDestroyed) return undefined;
      member.isDestroyed = true;
      // Not cut at once: so its end is told of as a close.
      const { connection } = member;
      const limitMs = options.closeTimeoutMs;
      void closes.bounded(connection, connection.close(), limitMs);
      return undefined;
    },
  };
}
