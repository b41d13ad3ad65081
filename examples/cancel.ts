/**
 * Ending what takes too long: a query, or a wait for a connection.
 *
 *     deno run -A examples/cancel.ts
 */
import {
  AcquireTimeoutError,
  createPool,
  QueryTimeoutError,
} from "@tidepool/postgres";
import { exampleDatabase } from "./support/database.ts";

await using database = await exampleDatabase();
await using pool = createPool(database.url, { max: 1 });

// A time limit. The query ends on the server too: it does not go on there,
// holding locks, while nobody waits for it any more.
try {
  await pool.with({ timeoutMs: 200 })`select pg_sleep(60)`;
} catch (error) {
  if (!(error instanceof QueryTimeoutError)) throw error;
  console.log("Too slow:", error.message);
}

// A signal, such as a request's; the promise rejects with the signal's reason.
const visit = new AbortController();
setTimeout(() => visit.abort(new Error("The visitor has left")), 200);
try {
  await pool.with({ signal: visit.signal })`select pg_sleep(60)`;
} catch (error) {
  console.log("Aborted:", (error as Error).message);
}

// By hand, as in the driver; it rejects with the server's code for it.
const query = pool`select pg_sleep(60)`.execute();
setTimeout(() => query.cancel(), 200);
await query.catch(({ code }) => console.log("Cancelled:", code));

// The pool's only connection works on. It is lent again once the server has
// said that the query is over: what was cancelled cannot hit the next one.
const [row] = await pool`select count(*)::int as asleep from pg_stat_activity
  where query = 'select pg_sleep(60)' and state = 'active'`;
console.log("Asleep on the server:", row?.asleep);
console.log("Connections opened:", pool.stats().opened);

// A wait for a connection: whoever gives up leaves the line at once.
{
  await using _lease = await pool.acquire();
  const patience = AbortSignal.timeout(100);
  await pool.acquire({ signal: patience }).catch((error) => {
    console.log("Gave up waiting:", error === patience.reason);
  });
  await pool.acquire({ timeoutMs: 100 }).catch((error) => {
    console.log("Timed out:", error instanceof AcquireTimeoutError);
  });
  console.log("Waiting:", pool.stats().waiting);
}
