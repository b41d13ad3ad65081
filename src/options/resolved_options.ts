/**
 * What becomes of a pool's options: checked, complete and frozen.
 *
 * @module
 */

import type {
  ConnectionHook,
  NestedAcquireMode,
  OverloadOptions,
  PoolOptions,
  ResetMode,
} from "../pool_options.ts";
import type { TargetSessionAttrs } from "../transport/hosts.ts";
import type { Endpoint, TlsPlan } from "../transport/transport.ts";
import type { SocketFactory } from "../transport/web_socket_like.ts";
import { defaultUsername, type Password } from "./connection_options.ts";
import {
  type PostgresTypes,
  type ResolvedDriverOptions,
  resolveDriverOptions,
} from "./driver_options.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { gatherOptions, type GivenOptions } from "./given_options.ts";
import { resolveEndpoints } from "./host_list.ts";
import { checkBounds, type PoolBounds } from "./pool_bounds.ts";
import { resolveTls } from "./tls_options.ts";

/**
 * The options of a pool with nothing left open; frozen.
 *
 * The password and the TLS options are left out when it is inspected, listed or
 * copied.
 */
export interface ResolvedPoolOptions {
  readonly name: string;
  readonly max: number;
  readonly min: number;
  readonly acquireTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly releaseTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly maxUses: number;
  readonly leakWarningMs: number;
  readonly nestedAcquire: NestedAcquireMode;
  readonly maxWaiting: number;
  readonly overload: OverloadOptions | undefined;
  readonly validateAfterIdleMs: number;
  readonly pipeline: number;
  readonly reset: ResetMode;
  readonly onConnect: ConnectionHook | undefined;
  readonly onAcquire: ConnectionHook | undefined;
  readonly onRelease: ConnectionHook | undefined;
  readonly holdProcess: boolean;
  readonly transport: SocketFactory | undefined;
  /** The addresses to try, in order; at least one. */
  readonly endpoints: readonly Endpoint[];
  /** Which kind of server to look for; `undefined`: any. */
  readonly targetSessionAttrs: TargetSessionAttrs | undefined;
  readonly tls: TlsPlan;
  /** When TCP keep-alive probes start, in milliseconds; 0: never. */
  readonly keepAliveMs: number;
  readonly database: string;
  readonly username: string;
  readonly password: Password;
  readonly driver: ResolvedDriverOptions;
}

let poolsNamed = 0;

/**
 * Checks what a pool is created with and fills in the rest.
 *
 * Options win over the URL, the URL over the environment.
 *
 * @throws {TypeError} If an option is unknown, of a wrong type or given twice,
 * the URL is malformed, or no user name can be found.
 * @throws {RangeError} If an option is out of range.
 */
export function resolvePoolOptions<Types extends PostgresTypes>(
  urlOrOptions?: string | URL | PoolOptions<Types>,
  options?: PoolOptions<Types>,
  environment: Environment = readEnvironment,
): ResolvedPoolOptions {
  const given = gatherOptions(urlOrOptions, options, environment);
  const username = given.username ?? defaultUsername(environment);
  const resolved = {
    ...resolveBounds(given),
    ...resolveTimes(given),
    ...resolveUse(given),
    endpoints: resolveEndpoints(given),
    targetSessionAttrs: given.target_session_attrs,
    tls: resolveTls(given),
    username,
    database: given.database ?? username,
    driver: resolveDriverOptions(given),
    // Counted last: a pool that could not be created takes no number.
    name: given.name ?? `pool-${++poolsNamed}`,
  };
  const password = { value: given.password ?? "" };
  Object.defineProperty(resolved, "password", password);
  return Object.freeze(resolved as typeof resolved & { password: Password });
}

function resolveBounds({ min = 0, max = 10 }: GivenOptions): PoolBounds {
  return checkBounds({ min, max }, "create the pool");
}

function resolveTimes(given: GivenOptions) {
  return {
    acquireTimeoutMs: given.acquireTimeoutMs ?? 10_000,
    connectTimeoutMs: given.connectTimeoutMs ?? 5_000,
    queryTimeoutMs: given.queryTimeoutMs ?? Infinity,
    releaseTimeoutMs: given.releaseTimeoutMs ?? 2_000,
    closeTimeoutMs: given.closeTimeoutMs ?? 5_000,
    idleTimeoutMs: given.idleTimeoutMs ?? 60_000,
    maxLifetimeMs: given.maxLifetimeMs ?? 1_800_000,
    validateAfterIdleMs: given.validateAfterIdleMs ?? 2_000,
    keepAliveMs: given.keepAliveMs ?? 60_000,
  };
}

function resolveUse(given: GivenOptions) {
  return {
    maxUses: given.maxUses ?? Infinity,
    leakWarningMs: given.leakWarningMs ?? Infinity,
    nestedAcquire: given.nestedAcquire ?? "warn",
    maxWaiting: given.maxWaiting ?? Infinity,
    overload: given.overload,
    pipeline: given.pipeline ?? 16,
    reset: given.reset ?? "rollback",
    onConnect: given.onConnect,
    onAcquire: given.onAcquire,
    onRelease: given.onRelease,
    holdProcess: given.holdProcess ?? false,
    transport: given.transport,
  };
}
