import { createPool, type Pool, type Sql } from "../../mod.ts";
import {
  type Contender,
  COUNT_SESSIONS,
  type OpenContender,
  type Session,
} from "./contender.ts";

/** This package. */
export const contender: Contender = {
  open({ url, max, pipeline, ca }): OpenContender {
    const pool: Pool = createPool(url, {
      max,
      pipeline,
      acquireTimeoutMs: 120_000,
      ...(ca === undefined ? {} : { ssl: { ca } }),
    });
    return {
      async acquireRelease() {
        const connection = await pool.acquire();
        await connection.release();
      },
      async hold() {
        const connection = await pool.acquire();
        return () => connection.release();
      },
      async withConnection(fn) {
        const connection = await pool.acquire();
        try {
          return await fn(sessionOf(connection));
        } finally {
          await connection.release();
        }
      },
      transaction: (fn) => pool.transaction((tx) => fn(sessionOf(tx)) as never),
      oneShot: () => pool`select 1 as one`,
      slowShot: () => pool`select pg_sleep(0.02)`,
      async dial() {
        const connection = await pool.acquire();
        await connection`select 1 as one`;
        return () => connection.destroy();
      },
      close: () => pool.close(),
    };
  },
};

function sessionOf(sql: Sql): Session {
  return {
    selectOne: () => sql`select 1 as one`,
    readTen: (key) =>
      sql`select id, owner, note from bench_rows where owner = ${key}`,
    countSessions: (application) =>
      sql.unsafe(COUNT_SESSIONS, [application]).then(([row]) => row?.count),
  };
}
