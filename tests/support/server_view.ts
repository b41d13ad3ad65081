/**
 * What the server knows of our sessions, asked over a connection of its own:
 * a pool that leaks must not be its own witness.
 */
import postgres from "postgres";

const POLL_MS = 10;

let labels = 0;

/** A label that no other test uses, for `application_name`; within its 63 bytes. */
export function uniqueApplicationName(
  test?: { readonly name: string },
): string {
  const word = test?.name.replace(/\W+/g, "_").slice(0, 30) ?? "test";
  return `${word}-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}-${++labels}`;
}

/** How many sessions the server has under this label. */
export function sessionCount(
  url: string,
  applicationName: string,
): Promise<number> {
  return look(url, (sql) => countSessions(sql, applicationName));
}

/** Resolves once the server has no session under this label; rejects, with what they do, after the deadline. */
export function waitForNoSessions(
  url: string,
  applicationName: string,
  deadlineMs = 5_000,
): Promise<void> {
  return look(url, async (sql) => {
    const deadline = performance.now() + deadlineMs;
    while (await countSessions(sql, applicationName) > 0) {
      if (performance.now() > deadline) {
        const sessions = await sql`
          select pid, state, wait_event, query from pg_stat_activity
          where application_name = ${applicationName}`;
        throw new Error(
          `Cannot see the sessions of ${applicationName} end: ` +
            `after ${deadlineMs} ms there are ${JSON.stringify(sessions)}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  });
}

/** Cuts off these backends, or all with this label, and answers how many; they may take a moment to end. */
export function terminateBackends(
  url: string,
  which: string | readonly number[],
): Promise<number> {
  return look(url, async (sql) => {
    const isAmong = typeof which === "string"
      ? sql`application_name = ${which}`
      : sql`pid = any(${`{${which}}`}::int[])`;
    const rows = await sql<{ done: boolean }[]>`
      select pg_terminate_backend(pid) as done from pg_stat_activity
      where pid <> pg_backend_pid() and ${isAmong}`;
    return rows.filter(({ done }) => done).length;
  });
}

async function countSessions(
  sql: postgres.Sql,
  applicationName: string,
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from pg_stat_activity
    where application_name = ${applicationName}`;
  return row?.count ?? 0;
}

async function look<T>(
  url: string,
  question: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(url, {
    max: 1,
    fetch_types: false,
    idle_timeout: 0,
    max_lifetime: 0,
    connection: { application_name: "tidepool server view" },
  });
  try {
    return await question(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
