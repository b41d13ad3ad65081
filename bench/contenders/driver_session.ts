import type postgres from "npm:postgres@3.4.9";
import { COUNT_SESSIONS, type Session } from "./contender.ts";

/** What runs on one connection of postgres.js. */
export function driverSession(
  sql: postgres.Sql | postgres.TransactionSql,
): Session {
  return {
    selectOne: () => sql`select 1 as one`,
    readTen: (key) =>
      sql`select id, owner, note from bench_rows where owner = ${key}`,
    countSessions: (application) =>
      sql.unsafe(COUNT_SESSIONS, [application]).then(([row]) => row?.count),
  };
}
