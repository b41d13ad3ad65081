/**
 * The options of a pool.
 *
 * @module
 */

import type { ConnectionOptions } from "./options/connection_options.ts";
import type { DriverOptions, PostgresTypes } from "./options/driver_options.ts";
import type { PooledConnection } from "./pooled_connection.ts";
import type { SocketFactory } from "./transport/web_socket_like.ts";

export {
  type ResolvedPoolOptions,
  resolvePoolOptions,
} from "./options/resolved_options.ts";

/** When a standing queue is shed, in milliseconds. */
export interface OverloadOptions {
  /** A wait that is always exceeded means overload. */
  readonly targetMs: number;
  /** For how long it must be exceeded. */
  readonly intervalMs: number;
}

/** What is done when all holders of a pool's connections wait for each other. */
export type NestedAcquireMode = "warn" | "ignore";

/** Called with a connection of the pool, and awaited. */
export type ConnectionHook = (
  connection: PooledConnection,
) => void | Promise<void>;

/** What is done to a connection when it comes back. */
export type ResetMode = "rollback" | "session" | "none" | ConnectionHook;

/**
 * The options of a pool; all may be left out.
 *
 * They are checked when the pool is created. An unknown one is refused by name,
 * and so are two names of one thing.
 */
export interface PoolOptions<
  // deno-lint-ignore ban-types -- as in the driver: no custom types
  Types extends PostgresTypes = {},
> extends ConnectionOptions, DriverOptions<Types> {
  /**
   * The most physical connections at once, closing ones included. A server
   * works best with few: about twice its cores, shared by all processes.
   *
   * @default {10}
   */
  readonly max?: number | undefined;
  /**
   * How many connections are kept open, refilled in the background. None by
   * default, so that a pool that is not used costs the server nothing.
   *
   * @default {0}
   */
  readonly min?: number | undefined;
  /**
   * How long an acquire may take in all, in milliseconds: waiting, dialling,
   * hooks and validation. 0 takes only what is idle now; `Infinity` waits for
   * ever. Long enough to ride out a burst, short enough to fail before whoever
   * waits for the caller gives up.
   *
   * @default {10000}
   */
  readonly acquireTimeoutMs?: number | undefined;
  /**
   * How long one dial may take, in milliseconds: name lookup, TCP, TLS,
   * authentication and `onConnect`; and how long one run of `onAcquire` may.
   * Below `acquireTimeoutMs`, so that another can be tried.
   *
   * @default {5000}
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How long a statement may run, in milliseconds, before it is cancelled on
   * the server. Off by default: only the caller knows what is too long.
   *
   * @default {Infinity}
   */
  readonly queryTimeoutMs?: number | undefined;
  /**
   * How long rollback, reset and `onRelease` may take when a connection comes
   * back, in milliseconds; overrun destroys it. Without a hook they are quick, or
   * the server is not well.
   *
   * @default {2000}
   */
  readonly releaseTimeoutMs?: number | undefined;
  /**
   * How long `close()` may take, in milliseconds. It waits for leases, and ends
   * what is left in the last quarter of that, 500 ms at most. Below the grace
   * that process managers give, often 10 seconds.
   *
   * @default {5000}
   */
  readonly closeTimeoutMs?: number | undefined;
  /**
   * How long a connection may be idle, in milliseconds, before it is closed;
   * never below `min`. Long enough to outlast a pause between bursts.
   *
   * @default {60000}
   */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * The age past which a connection is not granted any more, in milliseconds,
   * shortened by up to a tenth at random. Half an hour follows a change of
   * address or of load without dialling all the time.
   *
   * @default {1800000}
   */
  readonly maxLifetimeMs?: number | undefined;
  /**
   * How many leases a connection serves before it is retired. Off by default:
   * age is the better measure; this is for backends that grow with use.
   *
   * @default {Infinity}
   */
  readonly maxUses?: number | undefined;
  /**
   * A lease held for longer is told by a `leakwarning` event, with where it was
   * acquired, in milliseconds. Off by default: noting where costs time at each
   * acquire.
   *
   * @default {Infinity}
   */
  readonly leakWarningMs?: number | undefined;
  /**
   * What is done when every connection is leased, and each of those who hold
   * them waits for another one: `"warn"` tells it by a `nestedacquire` event
   * before their time is up, and by their `AcquireTimeoutError`; `"ignore"` does
   * not watch.
   *
   * @default {"warn"}
   */
  readonly nestedAcquire?: NestedAcquireMode | undefined;
  /**
   * How many callers may wait at most; one more is turned away at once with
   * `PoolOverloadedError`. Off by default: deadlines bound the queue, too.
   *
   * @default {Infinity}
   */
  readonly maxWaiting?: number | undefined;
  /**
   * When to turn callers away because the queue has stood for too long: once
   * even the shortest wait within `intervalMs` was over `targetMs`, whoever
   * waited longer than twice that gets a `PoolOverloadedError` instead of a
   * connection. Both in milliseconds. A burst is no overload, nor is waiting where
   * a connection is being opened for each who waits. Where more wait than that,
   * a dial that takes longer than `intervalMs` and twice `targetMs` is, and turns
   * away all of them: on a cold pool give both more time than a dial takes.
   *
   * @default {undefined}
   */
  readonly overload?: OverloadOptions | undefined;
  /**
   * How long a connection may be idle, in milliseconds, and still be granted
   * without asking the server. Short enough to notice a restart, long enough
   * that a pool under load never asks.
   *
   * @default {2000}
   */
  readonly validateAfterIdleMs?: number | undefined;
  /**
   * The most single queries in flight on a connection that several callers
   * share, up to 1 000. At 16 a round trip costs next to nothing, and few wait
   * behind a slow one.
   *
   * @default {16}
   */
  readonly pipeline?: number | undefined;
  /**
   * What is done when a connection comes back: `"rollback"` ends what
   * transaction is open, `"session"` also resets all session state but prepared
   * statements, `"none"` does nothing, a function does what it likes. The
   * default costs nothing when no transaction is open, and leaves settings,
   * session locks, temporary tables and LISTEN to the next borrower. After
   * `"session"` settings and role are those of `connection`: what `onConnect`
   * set is gone, too.
   *
   * @default {"rollback"}
   */
  readonly reset?: ResetMode | undefined;
  /**
   * Awaited after a dial, before the connection is first granted. A setting or
   * a role for each connection belongs in `connection`, for `reset: "session"`
   * goes back to that.
   */
  readonly onConnect?: ConnectionHook | undefined;
  /**
   * Awaited before each lease; one that throws destroys the connection. Not
   * before a query on the pool, which may share its connection with others.
   */
  readonly onAcquire?: ConnectionHook | undefined;
  /**
   * Awaited after a lease whose connection is to be lent again, not before one
   * is closed; one that throws destroys the connection.
   */
  readonly onRelease?: ConnectionHook | undefined;
  /**
   * Whether idle connections keep the process alive. Off, so that a finished
   * script ends.
   *
   * @default {false}
   */
  readonly holdProcess?: boolean | undefined;
  /**
   * What the pool is called in stats and in errors of an acquire; by default `pool-1`,
   * `pool-2` and so on.
   */
  readonly name?: string | undefined;
  /** Opens sockets instead of the runtime: for a tunnel or a proxy. */
  readonly transport?: SocketFactory | undefined;
}
