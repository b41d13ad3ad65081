/** An operator's mistake, in the middle of the day. */
import type { Pool } from "@tidepool/postgres";
import { until } from "./deadline.ts";
import type { Parts } from "./stage.ts";

const RECOVERED_WITHIN_MS = 5_000;

/** What was cut, and how long it took until as many were open again. */
export interface Outage {
  readonly terminated: number;
  /** `undefined`: they never were. */
  readonly recoveredMs: number | undefined;
}

/** Terminates half of the pool's backends on the server, busy ones first. */
export async function terminateHalf(
  { pool, operator, applicationName }: Parts,
): Promise<Outage> {
  const openedAt: number[] = [];
  const note = () => void openedAt.push(performance.now());
  pool.addEventListener("open", note);
  const startedAt = performance.now();
  const victims = await operator`
    select pg_terminate_backend(pid) from (
      select pid from pg_stat_activity
      where application_name = ${applicationName}
      order by state = 'idle' limit ${Math.floor(pool.stats().max / 2)}
    ) victims`;
  const terminated = victims.length;
  await until(() => openedAt.length >= terminated, RECOVERED_WITHIN_MS);
  pool.removeEventListener("open", note);
  const lastAt = openedAt[terminated - 1];
  const recoveredMs = lastAt === undefined ? undefined : lastAt - startedAt;
  return { terminated, recoveredMs };
}

/** How many sessions of this name the server has. */
export async function countSessions(
  operator: Pool,
  applicationName: string,
): Promise<number> {
  const [row] = await operator<{ count: number }[]>`
    select count(*)::int from pg_stat_activity
    where application_name = ${applicationName}`;
  return row!.count;
}
