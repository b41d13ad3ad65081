import { ConnectionLostError } from "../../src/pool_errors.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import {
  sessionCount,
  terminateBackends,
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";
import { Dialled, plain } from "./dialled.ts";
import { until } from "./fake_transport.ts";

const server = await sharedPostgres();
const dialled = new Dialled(server);
Deno.test("quiesce() rejects when the connection dies", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const slow = sql`select pg_sleep(30)`.execute();
  slow.catch(() => {});
  await until(() => connection.inFlight === 1, "statement");
  const quiet = assertRejects(() => connection.quiesce(), ConnectionLostError);
  connection.destroy();
  await quiet;
  await assertRejects(() => connection.quiesce(), ConnectionLostError);
});

Deno.test("a killed connection hands over what it had, and what of it was sent", async () => {
  const label = uniqueApplicationName();
  const labelled = new Dialled(server, {
    connection: { application_name: label },
  });
  await using opened = await labelled.open();
  const { sql, connection } = opened;
  const blocking = sql`select pg_sleep(30), ${1}::int as n`;
  const waiting = sql`select 2 as never_sent`;
  const outcomes = Promise.allSettled([blocking, waiting]);
  await until(() => opened.lastText === "select 2 as never_sent", "second");
  await until(
    () => connection.inFlight === 2,
    "statements under way",
  );
  await terminateBackends(server.url, [connection.pid]);
  const { loss, unfinished } = await opened.lost;
  assertEquals(loss.sqlState, "57P01");
  assertInstanceOf(loss.cause, Error);
  assertEquals(unfinished.map(({ isSent }) => isSent), [true, false]);
  assertEquals([connection.isLost, connection.inFlight], [true, 0]);
  for (const statement of unfinished) statement.fail(new Error("Lost"));
  const reasons = (await outcomes).map((one) =>
    one.status === "rejected" && one.reason.message
  );
  assertEquals(reasons, ["Lost", "Lost"]);
});

Deno.test("an idle connection that is killed says so, with the server's code", async () => {
  await using opened = await dialled.open();
  await terminateBackends(server.url, [opened.connection.pid]);
  const { loss, unfinished } = await opened.lost;
  assertEquals([loss.sqlState, unfinished.length], ["57P01", 0]);
  assertEquals(opened.connection.loss, loss);
});

Deno.test("the error of a killed connection reaches no statement of another", async () => {
  await using killed = await dialled.open();
  await using other = await dialled.open();
  await terminateBackends(server.url, [killed.connection.pid]);
  await killed.lost;
  assertEquals(plain(await other.sql`select 1 as one`), [{ one: 1 }]);
});

Deno.test("a cursor whose connection is killed between steps throws at the next one", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const seen: number[] = [];
  const query = sql<{ n: number }[]>`select n from generate_series(1, 99) n`;
  const error = await assertRejects(async () => {
    for await (const rows of query.cursor(2)) {
      seen.push(rows[0]!.n);
      await terminateBackends(server.url, [connection.pid]);
      const { unfinished } = await opened.lost;
      assertEquals(unfinished.length, 1);
      for (const statement of unfinished) statement.fail(new Error("Lost"));
    }
  });
  assertEquals([seen, error.message], [[1], "Lost"]);
});

Deno.test("a cursor whose connection is killed in a step throws there", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  const steps = sql`select pg_sleep(30) from generate_series(1, 9)`.cursor(1);
  const step = steps[Symbol.asyncIterator]().next();
  await until(() => connection.inFlight === 1, "statement");
  connection.destroy();
  const { unfinished } = await opened.lost;
  for (const statement of unfinished) statement.fail(new Error("Lost"));
  await assertRejects(() => step, Error, "Lost");
});

Deno.test("command() rejects when the connection dies, and is nobody else's to fail", async () => {
  await using opened = await dialled.open();
  const { connection } = opened;
  const command = connection.command("select pg_sleep(30)");
  const outcome = assertRejects(() => command, ConnectionLostError);
  connection.destroy();
  const { unfinished } = await opened.lost;
  assertEquals(unfinished, []);
  await outcome;
  await assertRejects(
    () => connection.command("select 1"),
    ConnectionLostError,
  );
});

Deno.test("close() leaves no session on the server", async () => {
  const label = uniqueApplicationName();
  const labelled = new Dialled(server, {
    connection: { application_name: label },
  });
  const opened = await labelled.open();
  assertEquals(await sessionCount(server.url, label), 1);
  await Promise.all([opened.connection.close(), opened.connection.close()]);
  await waitForNoSessions(server.url, label);
  assertEquals(opened.connection.isLost, true);
  await opened.connection.close();
});

Deno.test("close() ends what runs on the server", async () => {
  const label = uniqueApplicationName();
  const labelled = new Dialled(server, {
    connection: { application_name: label },
  });
  const opened = await labelled.open();
  const outcome = opened.sql`select pg_sleep(60)`.catch((error) => error.code);
  await until(() => opened.last?.isSent === true, "statement sent");
  await opened.connection.close();
  await waitForNoSessions(server.url, label);
  // Of our cancelling nobody is told.
  assertEquals(await outcome as unknown, "CONNECTION_LOST");
});

Deno.test("close() ends a COPY that nobody reads", async () => {
  const label = uniqueApplicationName();
  const labelled = new Dialled(server, {
    connection: { application_name: label },
  });
  const opened = await labelled.open();
  const stream = await opened.sql`
    copy (select repeat('x', 1000) from generate_series(1, 100000)) to stdout`
    .readable();
  stream.once("readable", () => {});
  await until(() => stream.readableLength > 0, "bytes in the stream");
  await opened.connection.close();
  await waitForNoSessions(server.url, label);
  stream.destroy();
});

Deno.test("destroy() cuts the session at once, and the server ends it", async () => {
  const label = uniqueApplicationName();
  const labelled = new Dialled(server, {
    connection: { application_name: label },
  });
  const opened = await labelled.open();
  opened.connection.destroy();
  opened.connection.destroy();
  assertEquals(opened.connection.isLost, true);
  await waitForNoSessions(server.url, label);
});

Deno.test("a dead connection swallows what its streams still write", async () => {
  await using opened = await dialled.open();
  const { sql, connection } = opened;
  await sql`create temp table copied (n int)`;
  const into = await sql`copy copied from stdin`.writable();
  into.write("1\n");
  connection.destroy();
  const { unfinished } = await opened.lost;
  for (const statement of unfinished) statement.fail(new Error("Lost"));
  into.write("2\n");
  await until(() => into.closed, "end of the stream");
});

Deno.test("a COPY whose connection dies after its stream was ended rejects its stream", async () => {
  await using opened = await dialled.open();
  await using admin = await dialled.open();
  const { sql, connection } = opened;
  const table = `copied_${connection.pid}_${Date.now()}`;
  await admin.sql`create table ${sql(table)} (n int)`;
  try {
    const into = await sql`copy ${sql(table)} from stdin`.writable();
    const finished = new Promise((resolve) => {
      into.on("finish", () => resolve("finish"));
      into.on("error", (error) => resolve(error.message));
    });
    connection.listener!.onNotice({});
    into.end("1\n");
    connection.destroy();
    const { unfinished } = await opened.lost;
    for (const statement of unfinished) statement.fail(new Error("Lost"));
    assert(await finished !== "finish");
  } finally {
    await admin.sql`drop table ${sql(table)}`;
  }
});
