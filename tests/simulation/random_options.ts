/**
 * Options of pools so small that their limits are met all the time.
 *
 * @module
 */

import type {
  ConnectionHook,
  PoolOptions,
  ResetMode,
} from "../../src/pool_options.ts";
import type { Choices } from "./choices.ts";

/** Options of one pool; `hookOf` makes its hooks. */
export function randomOptions(
  choices: Choices,
  hookOf: (name: string) => ConnectionHook,
): PoolOptions {
  const max = 1 + choices.below(3);
  const hook = (name: string) => choices.chance(20) ? hookOf(name) : undefined;
  return {
    name: "simulated",
    host: "127.0.0.1",
    username: "nobody",
    password: "",
    ssl: false,
    max,
    min: choices.below(Math.min(max, 2) + 1),
    pipeline: 1 + choices.below(3),
    acquireTimeoutMs: choices.pick([50, 15, 500, Infinity]),
    connectTimeoutMs: 60,
    queryTimeoutMs: choices.pick([Infinity, Infinity, 40]),
    releaseTimeoutMs: 20,
    closeTimeoutMs: 30,
    idleTimeoutMs: choices.pick([Infinity, 100]),
    maxLifetimeMs: choices.pick([Infinity, 200]),
    maxUses: choices.pick([Infinity, Infinity, 2]),
    validateAfterIdleMs: choices.pick([Infinity, 0, 30]),
    maxWaiting: choices.pick([Infinity, Infinity, Infinity, 2]),
    overload: choices.chance(15) ? { targetMs: 5, intervalMs: 20 } : undefined,
    reset: choices.pick<ResetMode>([
      "rollback",
      "session",
      "session",
      "none",
      hookOf("reset"),
    ]),
    onConnect: hook("onConnect"),
    onAcquire: hook("onAcquire"),
    onRelease: hook("onRelease"),
  };
}

/** Shows `Infinity` and hooks in JSON. */
export function showInfinity(_: string, value: unknown): unknown {
  return value === Infinity || typeof value === "function"
    ? String(value).slice(0, 8)
    : value;
}
