import { assert, assertEquals } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { fakedPool } from "../support/faked_pool.ts";

const RELEASE_TIMEOUT_MS = 50;

async function leased() {
  const { pool, driver, clock } = fakedPool({
    max: 1,
    releaseTimeoutMs: RELEASE_TIMEOUT_MS,
  });
  const lease = await pool.acquire();
  const [session] = driver.sessions;
  assert(session !== undefined);
  return { pool, lease, session, clock };
}

/** Just in time it is still there, and then no more. */
function assertIsCutBy(
  session: { readonly isLost: boolean },
  clock: { advance(ms: number): void },
  ms: number,
): void {
  clock.advance(ms - 1);
  assertEquals(session.isLost, false);
  clock.advance(1);
  assertEquals(session.isLost, true);
}

Deno.test("a statement behind one that was cancelled may take its time", async () => {
  const { pool, lease, session, clock } = await leased();
  const limited = lease.with({ timeoutMs: 10 }).unsafe("select pg_sleep(30)");
  const outcome = limited.then(() => "ok", ({ code }) => code);
  await nextTurn();
  clock.advance(10);
  assertEquals(await outcome, "QUERY_TIMEOUT");
  const awaited = lease.unsafe("select pg_sleep(40)")
    .then(() => "ok", ({ code }) => code);
  // The cancel request ends the first.
  while (session.line[0]?.text !== "select pg_sleep(40)") await nextTurn();
  clock.advance(RELEASE_TIMEOUT_MS);
  assertEquals(session.isLost, false);
  session.answer("ok");
  assertEquals(await awaited, "ok");
  await lease.release();
  await pool.close();
});

Deno.test("what is left of several abandoned statements has a time of its own", async () => {
  const { pool, lease, session, clock } = await leased();
  // Its server ends the request, and none of the statements.
  session.cancel = () => Promise.resolve();
  const queries = ["a", "b"].map((name) =>
    lease.unsafe(`select pg_sleep(30) as ${name}`)
  );
  const outcomes = queries.map((query) =>
    query.then(() => "ok", ({ code }) => code)
  );
  await nextTurn();
  for (const query of queries) query.cancel();
  assertEquals(await Promise.all(outcomes), ["57014", "57014"]);
  clock.advance(RELEASE_TIMEOUT_MS - 1);
  session.answer("cancelled");
  assertIsCutBy(session, clock, RELEASE_TIMEOUT_MS);
  await lease.release();
  await pool.close();
});

Deno.test("a cancel request that never ends costs its connection, although the statement has ended", async () => {
  const { pool, lease, session, clock } = await leased();
  session.cancel = () => {
    Object.defineProperty(session, "isCancelling", { value: true });
    return new Promise(() => {});
  };
  const query = lease.unsafe("select pg_sleep(30)");
  const outcome = query.then(() => "ok", ({ code }) => code);
  await nextTurn();
  query.cancel();
  assertEquals(await outcome, "57014");
  session.answer("cancelled");
  assertIsCutBy(session, clock, RELEASE_TIMEOUT_MS);
  await lease.release();
  await pool.close();
});
