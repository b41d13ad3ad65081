/** An operator's mistake, in the middle of the day. */
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
  const victims = await operator<{ isDone: boolean }[]>`
    select pg_terminate_backend(pid) as "isDone" from (
      select pid from pg_stat_activity
      where application_name = ${applicationName}
      order by state = 'idle' limit ${Math.floor(pool.stats().max / 2)}
    ) victims`;
  const terminated = victims.filter(({ isDone }) => isDone).length;
  await until(() => openedAt.length >= terminated, RECOVERED_WITHIN_MS);
  pool.removeEventListener("open", note);
  const lastAt = openedAt[terminated - 1];
  const recoveredMs = lastAt === undefined ? undefined : lastAt - startedAt;
  return { terminated, recoveredMs };
}
