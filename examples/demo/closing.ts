/** What the server has to say after the pool was closed. */
import { until } from "./deadline.ts";
import type { Parts } from "./stage.ts";

const GONE_WITHIN_MS = 2_000;

/** Closes the pool and answers how many sessions of it the server still shows. */
export async function closeAndCount(
  { pool, operator, applicationName }: Parts,
): Promise<number> {
  await pool.close();
  let left = NaN;
  // A backend that was told to go is shown until it has ended.
  await until(async () => {
    const [row] = await operator<{ count: number }[]>`
      select count(*)::int from pg_stat_activity
      where application_name = ${applicationName}`;
    left = row!.count;
    return left === 0;
  }, GONE_WITHIN_MS);
  return left;
}
