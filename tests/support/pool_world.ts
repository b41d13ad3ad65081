/**
 * A pool on a real server, and what must be so when a test is done with it:
 * the server has no session of it, nothing went unhandled, its books balance.
 */
import postgres from "postgres";
import { createPool, type Pool, type PoolOptions } from "../../mod.ts";
import { assertEquals } from "./assert.ts";
import { unaccounted } from "./balance.ts";
import { nextTurn } from "./eventually.ts";
import { sharedPostgres, type TestServer } from "./postgres_server.ts";
import { uniqueApplicationName, waitForNoSessions } from "./server_view.ts";

const shared = await sharedPostgres();
const LIMIT_MS = 30_000;

/** A pool under test. */
export interface PoolWorld extends AsyncDisposable {
  readonly pool: Pool;
  /** The label of its sessions; of nobody else's. */
  readonly applicationName: string;
  /** The same server, past the pool. */
  readonly admin: postgres.Sql;
  readonly server: TestServer;
  /** The process ids of its sessions, as the server has them. */
  pids(): Promise<number[]>;
  /** Ends sessions, and waits until the server has. */
  kill(...pids: readonly number[]): Promise<void>;
}

/** Where a world's pool connects to. */
export interface WorldPlace {
  /** Another server than the one that all tests share. */
  readonly server?: TestServer;
  /** What is in between. */
  readonly through?: { urlOf(url: string): string };
}

/** The server that worlds are on unless told otherwise. */
export const worldServer: TestServer = shared;

/** Makes a pool that connects as this test. */
export function poolWorld(
  test: { readonly name: string },
  options: PoolOptions = {},
  place: WorldPlace = {},
): PoolWorld {
  return new World(uniqueApplicationName(test), options, place);
}

class World implements PoolWorld {
  readonly pool: Pool;
  readonly applicationName: string;
  readonly admin: postgres.Sql;
  readonly server: TestServer;
  readonly #faults = new FaultWatch();

  constructor(name: string, options: PoolOptions, place: WorldPlace) {
    this.applicationName = name;
    this.server = place.server ?? shared;
    const url = this.server.urlFor({ applicationName: name });
    this.pool = createPool(place.through?.urlOf(url) ?? url, options);
    this.admin = postgres(this.server.url, {
      max: 2,
      fetch_types: false,
      max_lifetime: 0,
      onnotice: () => {},
      connection: { application_name: "tidepool test admin" },
    });
  }

  async pids(): Promise<number[]> {
    const rows = await this.admin<{ pid: number }[]>`
      select pid from pg_stat_activity
      where application_name = ${this.applicationName} order by pid`;
    return rows.map(({ pid }) => pid);
  }

  async kill(...pids: readonly number[]): Promise<void> {
    const which = `{${pids}}`;
    await this.admin`
      select pg_terminate_backend(pid, 5000) from unnest(${which}::int[]) as pid`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.pool.close();
      const { total, waiting } = this.pool.stats();
      assertEquals({ total, waiting }, { total: 0, waiting: 0 });
      await waitForNoSessions(this.server.url, this.applicationName);
      assertBalanced(this.pool);
    } finally {
      await this.admin.end({ timeout: 1 });
      await nextTurn();
      this.#faults.end();
    }
    assertEquals(this.#faults.seen, []);
  }
}

/** Everybody who asked was answered once, or waits. */
export function assertBalanced(pool: Pool): void {
  assertEquals(unaccounted(pool), 0, "requests are not conserved");
}

/** Notes what nobody handled; without it, that would end the test run. */
export class FaultWatch {
  readonly seen: unknown[] = [];
  readonly #note = (event: Event) => {
    event.preventDefault();
    this.seen.push(
      event instanceof PromiseRejectionEvent
        ? event.reason
        : (event as ErrorEvent).error,
    );
  };

  constructor() {
    addEventListener("unhandledrejection", this.#note);
    addEventListener("error", this.#note);
  }

  end(): void {
    removeEventListener("unhandledrejection", this.#note);
    removeEventListener("error", this.#note);
  }
}

/** Registers a test that fails, rather than hangs, when what it waits for never comes. */
export function poolTest(
  name: string,
  body: (test: Deno.TestContext) => Promise<void>,
): void {
  Deno.test(name, async (test) => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`Cannot finish: stuck for ${LIMIT_MS} ms`)),
      LIMIT_MS,
    );
    try {
      await Promise.race([body(test), late]);
    } catch (error) {
      throw firstError(error);
    } finally {
      clearTimeout(timer);
    }
  });
}

/** What went wrong first: what disposal says after that is a consequence. */
function firstError(error: unknown): unknown {
  return error instanceof SuppressedError
    ? firstError(error.suppressed)
    : error;
}
