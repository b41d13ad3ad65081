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
import { checkBounds } from "./pool_bounds.ts";
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

/** What is read into something else than an option of the same name. */
type Derived =
  | "name"
  | "endpoints"
  | "targetSessionAttrs"
  | "tls"
  | "database"
  | "username"
  | "password"
  | "driver";

/** The options of the pool itself. */
type OwnOptions = Omit<ResolvedPoolOptions, Derived>;

const DEFAULTS: OwnOptions = {
  max: 10,
  min: 0,
  acquireTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  queryTimeoutMs: Infinity,
  releaseTimeoutMs: 2_000,
  closeTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
  maxLifetimeMs: 1_800_000,
  validateAfterIdleMs: 2_000,
  keepAliveMs: 60_000,
  maxUses: Infinity,
  leakWarningMs: Infinity,
  nestedAcquire: "warn",
  maxWaiting: Infinity,
  overload: undefined,
  pipeline: 16,
  reset: "rollback",
  onConnect: undefined,
  onAcquire: undefined,
  onRelease: undefined,
  holdProcess: false,
  transport: undefined,
};

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
    ...withDefaults(given),
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

/** The options of the pool itself, each as it was given or by default. */
function withDefaults(given: GivenOptions): OwnOptions {
  const names = Object.keys(DEFAULTS) as (keyof OwnOptions)[];
  const all = names.map((name) => [name, given[name] ?? DEFAULTS[name]]);
  const own: OwnOptions = Object.fromEntries(all);
  checkBounds(own, "create the pool");
  return own;
}
