/** Sessions on sockets that a test plays: for what must happen in one exact moment. */
import { assertEquals, assertRejects } from "../support/assert.ts";
import { Dialled } from "./dialled.ts";
import { type FakeSocket, FakeTransport, until } from "./fake_transport.ts";
import {
  commandComplete,
  errorResponse,
  greeting,
  int32,
  joined,
  message,
  readyForQuery,
} from "./server_bytes.ts";

const ADDRESS = { host: "db.example", port: 5432 };

/** A transport whose first socket of a dial is greeted as by a server. */
function greetingTransport(): FakeTransport {
  const transport = new FakeTransport();
  transport.onConnect = (socket) => {
    socket.onWrite = () => {
      socket.onWrite = undefined;
      queueMicrotask(() => socket.deliver(greeting()));
    };
  };
  return transport;
}

async function open(holdProcess = false) {
  const transport = greetingTransport();
  const settings = { transport, fetchTypes: false, holdProcess };
  const opened = await new Dialled(ADDRESS, settings).open();
  const socket = transport.sockets[0]!;
  socket.written.length = 0;
  return { transport, opened, socket, ...opened, sql: opened.sql };
}

/** The reply to a statement without parameters that has one row. */
function reply(value: string): Uint8Array {
  const column = [...int32(0), 0, 0, ...int32(25), 0, 0, ...int32(0), 0, 0];
  return joined(
    message("1"),
    message("t", [0, 0]),
    message("T", [0, 1], "value\0", column),
    message("2"),
    message("D", [0, 1], int32(value.length), value),
    commandComplete("SELECT 1"),
    readyForQuery(),
  );
}

function written(socket: FakeSocket): string {
  return socket.written.map((bytes) => new TextDecoder().decode(bytes)).join();
}

Deno.test("an unwritable statement that comes while the place of another is held is told by its own error", async () => {
  const { sql, socket, connection } = await open();
  const first = sql`select 1`.execute();
  const bad = sql`select ${undefined as never}`.catch((error) => error.code);
  await until(() => socket.written.length > 0, "bytes");
  socket.deliver(reply("one"));
  assertEquals((await first)[0]!.value, "one");
  const another = sql`select ${undefined as never}`.catch((error) =>
    error.code
  );
  const good = sql`select 2`.execute();
  await until(() => written(socket).includes("select 2"), "last statement");
  const nothing = joined(message("I"), readyForQuery());
  socket.deliver(joined(nothing, nothing, reply("two")));
  assertEquals(await bad as unknown, "UNDEFINED_VALUE");
  assertEquals(await another as unknown, "UNDEFINED_VALUE");
  assertEquals((await good)[0]!.value, "two");
  assertEquals(connection.inFlight, 0);
  connection.destroy();
});

Deno.test("a parting error that comes with a reply is not missed", async () => {
  const { sql, socket, opened } = await open();
  const query = sql`select 1`.execute();
  await until(() => socket.written.length > 0, "bytes");
  socket.deliver(joined(reply("one"), errorResponse("FATAL", "57P01")));
  assertEquals((await query)[0]!.value, "one");
  assertEquals((await opened.lost).loss.sqlState, "57P01");
});

Deno.test("nothing is written while a cancel request is under way", async () => {
  const { sql, socket, transport, connection } = await open();
  const slow = sql`select 1`.execute();
  await until(() => socket.written.length > 0, "bytes");
  transport.onConnect = undefined;
  const cancelled = connection.cancel();
  await until(() => transport.sockets[1]?.written.length === 1, "request");
  assertEquals(connection.cancel(), cancelled);
  socket.deliver(reply("one"));
  await slow;
  socket.written.length = 0;
  const next = sql`select 2`.execute();
  let isQuiet = false;
  const quiet = connection.quiesce().then(() => isQuiet = true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals([socket.written.length, isQuiet], [0, false]);
  transport.sockets[1]!.close();
  await cancelled;
  await until(() => socket.written.length > 0, "bytes");
  socket.deliver(reply("two"));
  assertEquals((await next)[0]!.value, "two");
  await quiet;
  connection.destroy();
});

Deno.test("a cancel that fails lets statements go on", async () => {
  const { sql, socket, transport, connection } = await open();
  transport.onConnect = () => Promise.reject(new Error("refused"));
  await assertRejects(() => connection.cancel(), Error, "refused");
  assertEquals(connection.isCancelling, false);
  const next = sql`select 2`.execute();
  await until(() => socket.written.length > 0, "bytes");
  socket.deliver(reply("two"));
  await next;
  connection.destroy();
});

Deno.test("a cancel under way ends when its connection is destroyed", async () => {
  const { transport, connection } = await open();
  transport.onConnect = undefined;
  const cancelled = assertRejects(() => connection.cancel());
  await until(() => transport.sockets[1]?.written.length === 1, "request");
  connection.destroy();
  await cancelled;
  assertEquals(transport.sockets[1]!.isDestroyed, true);
});

Deno.test("close() hears of the end although nobody reads a COPY", async () => {
  const { sql, socket, transport, connection } = await open();
  const copy = sql`copy t to stdout`.readable();
  await until(() => socket.written.length > 0, "bytes");
  socket.deliver(message("H", [0, 0, 0]));
  const stream = await copy;
  while (!socket.isPaused) socket.deliver(message("d", "x".repeat(10_000)));
  transport.onConnect = (cancelling) => {
    cancelling.onWrite = () => queueMicrotask(() => cancelling.close());
  };
  const closed = connection.close();
  await until(() => socket.isEnded, "end");
  assertEquals(socket.isPaused, false);
  socket.deliver(message("d", "x".repeat(10_000)));
  assertEquals(socket.isPaused, false);
  socket.close();
  await closed;
  stream.destroy();
});

Deno.test("a COPY that ends before its reader leaves the socket flowing", async () => {
  const { sql, socket, connection } = await open();
  const copy = sql`copy t to stdout`.readable();
  await until(() => socket.written.length > 0, "bytes");
  socket.deliver(message("H", [0, 0, 0]));
  const stream = await copy;
  while (!socket.isPaused) socket.deliver(message("d", "x".repeat(10_000)));
  socket.deliver(
    joined(message("c"), commandComplete("COPY 9"), readyForQuery()),
  );
  assertEquals(socket.isPaused, false);
  stream.destroy();
  connection.destroy();
});

Deno.test("an idle socket does not hold the process, a busy or closing one does", async () => {
  const { sql, socket, connection } = await open();
  assertEquals(socket.isRef, false);
  const query = sql`select 1`.execute();
  await until(() => socket.written.length > 0, "bytes");
  assertEquals(socket.isRef, true);
  socket.deliver(reply("one"));
  await query;
  assertEquals(socket.isRef, false);
  const closed = connection.close();
  await until(() => socket.isEnded, "end");
  assertEquals(socket.isRef, true);
  assertEquals([...socket.written.at(-1)!], [0x58, 0, 0, 0, 4]);
  socket.close();
  await closed;
});

Deno.test("a socket that is to hold the process always does", async () => {
  const { sql, socket, connection } = await open(true);
  const query = sql`select 1`.execute();
  await until(() => socket.written.length > 0, "bytes");
  socket.deliver(reply("one"));
  await query;
  assertEquals(socket.isRef, true);
  connection.destroy();
});

Deno.test("a dial that is given up at any turn leaves no socket, and is not taken for done", async () => {
  for (let turns = 0; turns < 40; turns++) {
    for (const moment of ["connect", "greeting"]) {
      const transport = new FakeTransport();
      const abort = new AbortController();
      const giveUp = async () => {
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        abort.abort(new Error("Enough"));
      };
      transport.onConnect = (socket) => {
        if (moment === "connect") void giveUp();
        socket.onWrite = () => {
          socket.onWrite = undefined;
          queueMicrotask(() => {
            socket.deliver(greeting());
            if (moment === "greeting") void giveUp();
          });
        };
      };
      const settings = { transport, fetchTypes: false };
      const dial = new Dialled(ADDRESS, settings).open(abort.signal);
      const outcome = await dial.then(
        ({ connection }) => connection.isLost,
        () => "given up",
      );
      await new Promise((resolve) => setTimeout(resolve));
      const [socket] = transport.sockets;
      const context = `${turns} turns after ${moment}`;
      if (outcome === "given up") {
        assertEquals(socket!.isDestroyed, true, context);
      } else {assertEquals(
          [outcome, socket!.isDestroyed],
          [false, false],
          context,
        );}
      socket!.destroy();
    }
  }
});

Deno.test("a session keeps nothing of what ran on it", async () => {
  const { sql, socket, connection } = await open();
  let added = 0;
  const { listen } = socket;
  socket.listen = (listener) => {
    added++;
    listen.call(socket, listener);
  };
  for (let round = 0; round < 20; round++) {
    const query = sql`select 1`.execute();
    await until(() => socket.written.length > round, "bytes");
    socket.deliver(
      round === 0
        ? reply("one")
        : joined(message("2"), commandComplete("SELECT 0"), readyForQuery()),
    );
    await query;
  }
  assertEquals([added, connection.inFlight], [0, 0]);
  connection.destroy();
});
