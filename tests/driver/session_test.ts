import { PostgresError } from "../../src/driver/postgres_js.ts";

import { assertEquals, assertRejects } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";

import { Dialled, plain, untilSleeping } from "./dialled.ts";
import { until } from "./fake_transport.ts";

const server = await sharedPostgres();
const dialled = new Dialled(server);
Deno.test("a cancel that was awaited cannot hit the next statement", async () => {
  await using opened = await dialled.open();
  await using watcher = await dialled.open();
  const { sql, connection } = opened;
  for (let round = 0; round < 50; round++) {
    const slow = sql`select pg_sleep(${round % 2 === 0 ? 30 : 0.001})`
      .catch((error) => error.code);
    if (round % 2 === 0) await untilSleeping(watcher, connection.pid);
    else await until(() => opened.last?.isSent === true, "statement sent");
    await connection.cancel();
    const [row] = await sql`select ${round}::int as round`;
    assertEquals(row!.round, round);
    const outcome = await slow;
    if (round % 2 === 0) assertEquals(outcome, "57014");
  }
});

Deno.test("a statement that is run while a cancel is under way waits for its end", async () => {
  await using opened = await dialled.open();
  await using watcher = await dialled.open();
  const { sql, connection } = opened;
  const slow = sql`select pg_sleep(30)`.catch((error) => error.code);
  await untilSleeping(watcher, connection.pid);
  const cancelled = connection.cancel();
  assertEquals(connection.isCancelling, true);
  const next = sql`select 1 as one`.execute();
  await cancelled;
  assertEquals(plain(await next), [{ one: 1 }]);
  assertEquals(await slow, "57014");
});

Deno.test("quiesce() waits for statements and for a cancel", async () => {
  await using opened = await dialled.open();
  await using watcher = await dialled.open();
  const { sql, connection } = opened;
  await connection.quiesce();
  const slow = sql`select pg_sleep(30)`.catch((error) => error.code);
  await untilSleeping(watcher, connection.pid);
  const cancelled = connection.cancel();
  await connection.quiesce();
  assertEquals([connection.inFlight, connection.isCancelling], [0, false]);
  await cancelled;
  assertEquals(await slow, "57014");
});

Deno.test("the transaction status follows every statement", async () => {
  await using opened = await dialled.open();
  const { connection } = opened;
  const seen = [];
  for (const text of ["begin", "select 1", "select 1/0", "rollback"]) {
    await connection.command(text).catch(() => {});
    seen.push(connection.transactionStatus);
  }
  assertEquals(seen, ["open", "open", "failed", "idle"]);
});

Deno.test("isTouched tells what was set since markClean()", async () => {
  await using opened = await dialled.open();
  const { connection } = opened;
  assertEquals(connection.isTouched, false);
  await connection.command("set statement_timeout = 0");
  assertEquals(connection.isTouched, true);
  connection.markClean();
  await connection.command(
    "select 1; update pg_class set relname = relname where false",
  );
  assertEquals(connection.isTouched, false);
  await connection.command("listen something");
  assertEquals(connection.isTouched, true);
});

Deno.test("a notice reaches the listener, and an exception of the driver's none", async () => {
  await using opened = await dialled.open();
  await opened.connection.command("do $$ begin raise notice 'hello'; end $$");
  assertEquals(opened.notices.map(({ message }) => message), ["hello"]);
});

Deno.test("command() rejects with the server's error, and the connection goes on", async () => {
  await using opened = await dialled.open();
  const error = await assertRejects(
    () => opened.connection.command("select 1/0"),
    PostgresError,
  );
  assertEquals(error.code, "22012");
  await opened.connection.command("select 1");
});
