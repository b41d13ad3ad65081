/**
 * The only place where a pool meets its driver, its transport and its clock.
 *
 * @module
 */

import { systemClock } from "./clock/system_clock.ts";
import { Dialer } from "./driver/dialer.ts";
import { PostgresJs } from "./driver/postgres_js.ts";
import type { PostgresTypes } from "./options/driver_options.ts";
import { asObserver, callObserver } from "./observer.ts";
import type { Pool } from "./pool.ts";
import { assemblePool } from "./pool_assembly.ts";
import { PoolEvents } from "./pool_events.ts";
import {
  type PoolOptions,
  type ResolvedPoolOptions,
  resolvePoolOptions,
} from "./pool_options.ts";
import { readSqlFile } from "./sql_file.ts";
import { planAttempts } from "./transport/hosts.ts";
import { nodeNet } from "./transport/node_net.ts";
import { fromSocketFactory } from "./transport/web_socket_like.ts";

/** What the values of custom types are, by name. */
export type ValuesOf<Types extends PostgresTypes> =
  // deno-lint-ignore ban-types -- as in the driver: no custom types
  Record<string, never> extends Types ? {}
    : {
      [Name in keyof Types]: Types[Name] extends {
        // deno-lint-ignore no-explicit-any -- as in the driver
        serialize: (value: infer Value) => any;
        // deno-lint-ignore no-explicit-any -- as in the driver
        parse: (raw: any) => infer Value;
      } ? Value
        : never;
    };

/**
 * Creates a pool; options may be all there is.
 *
 * Opens nothing until a connection is needed, but for `min`. What is not given
 * comes from the PG* environment variables, as in libpq.
 *
 * @throws {TypeError} If an option is unknown or of a wrong type, the URL is
 * malformed, or no user name can be found.
 * @throws {RangeError} If an option is out of range.
 *
 * @example
 * ```ts
 * import { createPool } from "@tidepool/postgres";
 *
 * await using pool = createPool("postgres://localhost/shop", { max: 10 });
 * const [row] = await pool`select count(*) from orders`;
 * ```
 */
// deno-lint-ignore ban-types -- as in the driver: no custom types
export function createPool<Types extends PostgresTypes = {}>(
  url?: string | URL | PoolOptions<Types>,
  options?: PoolOptions<Types>,
): Pool<ValuesOf<Types>> {
  const resolved = resolvePoolOptions(url, options);
  const events = new PoolEvents();
  const driver = driverOptions(resolved, events);
  const js = new PostgresJs({ ...resolved, ...driver, readText: readSqlFile });
  const pool = assemblePool({
    events,
    options: resolved,
    driver: createDialer(resolved, js),
    maker: js,
    clock: systemClock,
  });
  return pool as unknown as Pool<ValuesOf<Types>>;
}

function driverOptions({ driver }: ResolvedPoolOptions, events: PoolEvents) {
  const { debug, onparameter } = driver;
  return {
    ...driver,
    // Both are called amid a request or a reply, which must not fail for them.
    debug: typeof debug === "function" ? asObserver(debug) : debug,
    onparameter: onparameter &&
      ((key: string, value: unknown) =>
        callObserver(() => onparameter(key, value), (error) => {
          events.tellFault("onparameter", error);
        })),
  };
}

function createDialer(options: ResolvedPoolOptions, js: PostgresJs): Dialer {
  const { transport, endpoints, targetSessionAttrs, tls } = options;
  return new Dialer({
    transport: transport === undefined ? nodeNet : fromSocketFactory(transport),
    plan: planAttempts(endpoints, targetSessionAttrs),
    tls,
    keepAliveMs: options.keepAliveMs,
    password: options.password,
    fetchTypes: options.driver.fetchTypes,
    holdProcess: options.holdProcess,
    createClient: (client) => js.createClient(client),
  });
}
