import postgres from "postgres";
import { assert, assertEquals, assertRejects } from "./assert.ts";
import { sharedPostgres } from "./postgres_server.ts";
import {
  sessionCount,
  terminateBackends,
  uniqueApplicationName,
  waitForNoSessions,
} from "./server_view.ts";

const server = await sharedPostgres();

function connect(applicationName: string): postgres.Sql {
  return postgres(server.urlFor({ applicationName }), {
    max: 2,
    max_lifetime: 0,
    onnotice: () => {},
  });
}

Deno.test("sessionCount() counts the sessions of one label only", async (t) => {
  const name = uniqueApplicationName(t);
  const sql = connect(name);
  const other = connect(uniqueApplicationName(t));
  await Promise.all([sql`select pg_sleep(0.01)`, sql`select pg_sleep(0.01)`]);
  await other`select 1`;
  assertEquals(await sessionCount(server.url, name), 2);
  await Promise.all([sql.end({ timeout: 1 }), other.end({ timeout: 1 })]);
  await waitForNoSessions(server.url, name);
});

Deno.test("waitForNoSessions() rejects when a session outlives the deadline", async (t) => {
  const name = uniqueApplicationName(t);
  const sql = connect(name);
  await sql`select 1`;
  await assertRejects(
    () => waitForNoSessions(server.url, name, 0),
    Error,
    "select 1",
  );
  await sql.end({ timeout: 1 });
});

Deno.test("terminateBackends() ends sessions by label and by pid", async (t) => {
  const name = uniqueApplicationName(t);
  const sql = connect(name);
  await sql`select 1`;
  assertEquals(await terminateBackends(server.url, name), 1);
  await waitForNoSessions(server.url, name);
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  assert(row !== undefined);
  assertEquals(await terminateBackends(server.url, [row.pid]), 1);
  await waitForNoSessions(server.url, name);
  await sql.end({ timeout: 1 });
});

Deno.test("uniqueApplicationName() never answers the same twice, and fits", () => {
  const test = { name: "a promise that is rather long, longer than a label" };
  const names = [uniqueApplicationName(test), uniqueApplicationName(test)];
  assertEquals(new Set(names).size, 2);
  assert(names.every((name) => name.length <= 63));
});
