/** A pool on a real server whose time is the test's: nothing waits for a real clock. */
import { Dialer } from "../../src/driver/dialer.ts";
import { PostgresJs } from "../../src/driver/postgres_js.ts";
import type { Pool, PoolOptions } from "../../mod.ts";
import { assemblePool } from "../../src/pool_assembly.ts";
import {
  type ResolvedPoolOptions,
  resolvePoolOptions,
} from "../../src/pool_options.ts";
import { planAttempts } from "../../src/transport/hosts.ts";
import { nodeNet } from "../../src/transport/node_net.ts";
import { fromSocketFactory } from "../../src/transport/web_socket_like.ts";
import { eventually, nextTurn } from "./eventually.ts";
import { closeAtOnce, ManualClock } from "./manual_clock.ts";
import { type PoolWorld, poolWorld, type WorldPlace } from "./pool_world.ts";

/** A pool with a clock of its own, in a world that checks what it leaves. */
export interface ClockedWorld extends AsyncDisposable {
  readonly pool: Pool;
  readonly clock: ManualClock;
  /** The server's side of it. */
  readonly world: PoolWorld;
  /** Moves on by `ms`, in steps, with turns of the event loop in between. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

/** Makes a pool as `createPool` does, but for the clock. */
export function clockedWorld(
  test: { readonly name: string },
  options: PoolOptions = {},
  place: WorldPlace = {},
): ClockedWorld {
  const world = poolWorld(test, {}, place);
  const { server, applicationName } = world;
  const url = server.urlFor({ applicationName });
  const clock = new ManualClock();
  const resolved = resolvePoolOptions(
    place.through?.urlOf(url) ?? url,
    options,
  );
  const pool = assemble(resolved, clock);
  return {
    pool,
    clock,
    world,
    async pass(ms, stepMs = ms) {
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advance(Math.min(stepMs, left));
        await nextTurn();
      }
    },
    async [Symbol.asyncDispose]() {
      await closeAtOnce(pool, clock);
      await eventually("no timer is armed", () => clock.armed === 0);
      await world[Symbol.asyncDispose]();
    },
  };
}

function assemble(options: ResolvedPoolOptions, clock: ManualClock): Pool {
  const { driver, transport, endpoints, tls, keepAliveMs } = options;
  const readText = () => Promise.resolve("");
  const js = new PostgresJs({ ...options, ...driver, readText });
  const dialer = new Dialer({
    transport: transport === undefined ? nodeNet : fromSocketFactory(transport),
    plan: planAttempts(endpoints, options.targetSessionAttrs),
    tls,
    keepAliveMs,
    password: options.password,
    fetchTypes: driver.fetchTypes,
    holdProcess: options.holdProcess,
    createClient: (client) => js.createClient(client),
  });
  const pool = assemblePool({
    options,
    driver: dialer,
    clock,
    maker: js,
  });
  return pool.public;
}
