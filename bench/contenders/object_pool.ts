import postgres from "npm:postgres@3.4.9";
import type { OpenContender, OpenOptions } from "./contender.ts";
import { driverOptions } from "./driver_options.ts";
import { driverSession } from "./driver_session.ts";

/** A pool of any objects, as far as it is used here. */
export interface ObjectPool {
  acquire(): PromiseLike<postgres.Sql>;
  release(sql: postgres.Sql): unknown;
  close(): Promise<unknown>;
}

/** How such a pool makes and ends what it pools. */
export interface ClientFactory {
  create(): Promise<postgres.Sql>;
  destroy(sql: postgres.Sql): Promise<void>;
}

/** Clients of postgres.js with one connection each. */
export function clientFactory(options: OpenOptions): ClientFactory {
  return {
    async create() {
      const sql = postgres(
        options.url,
        driverOptions({ ...options, max: 1 }),
      );
      await sql`select 1 as one`;
      return sql;
    },
    destroy: (sql) => sql.end({ timeout: 1 }),
  };
}

/** A contender out of a pool that knows nothing of databases. */
export function overObjectPool(pool: ObjectPool): OpenContender {
  async function use<T>(fn: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
    const sql = await pool.acquire();
    try {
      return await fn(sql);
    } finally {
      await pool.release(sql);
    }
  }
  return {
    async acquireRelease() {
      await pool.release(await pool.acquire());
    },
    async hold() {
      const sql = await pool.acquire();
      return () => pool.release(sql);
    },
    withConnection: (fn) => use((sql) => fn(driverSession(sql))),
    transaction: (fn) => use((sql) => sql.begin((tx) => fn(driverSession(tx)))),
    oneShot: () => use((sql) => sql`select 1 as one`),
    slowShot: () => use((sql) => sql`select pg_sleep(0.02)`),
    close: () => pool.close(),
  };
}
