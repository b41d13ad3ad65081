import { ConnectError } from "../../src/pool_errors.ts";
import {
  fromSocketFactory,
  type WinterSocket,
} from "../../src/transport/web_socket_like.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { promise } from "./promise.ts";
import { connectOptions, PLAIN, Recorder } from "./recorder.ts";

const ENDPOINT = { host: "127.0.0.1", port: 5432 };

/** A socket with nothing behind it, which counts how often it is closed. */
function idleSocket(parts: Partial<WinterSocket> = {}) {
  const socket = {
    readable: new ReadableStream<Uint8Array>(),
    writable: new WritableStream<Uint8Array>(),
    closed: new Promise<unknown>(() => {}),
    closes: 0,
    close() {
      socket.closes++;
    },
    ...parts,
  };
  return socket;
}

promise(
  "fromSocketFactory() gives the function the endpoint and takes a socket without a promise",
  async () => {
    const seen: unknown[] = [];
    const transport = fromSocketFactory(({ host, port }) => {
      seen.push(host, port);
      return idleSocket();
    });
    const socket = await transport.connect(ENDPOINT, connectOptions());
    socket.destroy();
    assertEquals(seen, ["127.0.0.1", 5432]);
  },
);

promise(
  "fromSocketFactory() makes a ConnectError of what the function throws",
  async () => {
    const cause = new Error("the tunnel is shut");
    const error = await assertRejects(
      () =>
        fromSocketFactory(() => {
          throw cause;
        }).connect(ENDPOINT, connectOptions()),
      ConnectError,
      "Cannot connect to 127.0.0.1:5432: the tunnel is shut",
    );
    assertStrictEquals(error.cause, cause);
  },
);

promise(
  "fromSocketFactory() knows a refused Deno.connect by its code",
  async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const transport = fromSocketFactory(async () => {
      const { readable, writable } = await Deno.connect({
        hostname: "127.0.0.1",
        port,
      });
      return idleSocket({ readable, writable });
    });
    await assertRejects(
      () => transport.connect({ host: "127.0.0.1", port }, connectOptions()),
      ConnectError,
      "the connection was refused (ECONNREFUSED)",
    );
  },
);

promise("fromSocketFactory() closes a socket that failed to open", async () => {
  const socket = idleSocket({ opened: Promise.reject(new Error("no route")) });
  await assertRejects(
    () => fromSocketFactory(() => socket).connect(ENDPOINT, connectOptions()),
    ConnectError,
    "no route",
  );
  assert(socket.closes > 0);
});

promise(
  "fromSocketFactory() closes a socket that does not open when the connect is given up",
  async () => {
    const socket = idleSocket({ opened: new Promise(() => {}) });
    const abort = new AbortController();
    const connecting = fromSocketFactory(() => socket).connect(
      ENDPOINT,
      connectOptions(PLAIN, abort.signal),
    );
    await nextTurn();
    abort.abort(new Error("Given up"));
    await assertRejects(() => connecting, Error, "Given up");
    assertEquals(socket.closes, 1);
  },
);

promise(
  "fromSocketFactory() closes a socket that comes after the abort",
  async () => {
    const coming = Promise.withResolvers<WinterSocket>();
    const aborter = new AbortController();
    const outcome = fromSocketFactory(() => coming.promise)
      .connect(ENDPOINT, connectOptions(PLAIN, aborter.signal))
      .catch((reason) => reason);
    const reason = new Error("too late");
    aborter.abort(reason);
    assertStrictEquals(await outcome, reason);
    const closed = Promise.withResolvers<void>();
    coming.resolve({ ...idleSocket(), close: () => closed.resolve() });
    await closed.promise;
  },
);

promise("fromSocketFactory() gives Buffers over the same memory", async () => {
  const bytes = new TextEncoder().encode("..hello").subarray(2);
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes),
  });
  const socket = await fromSocketFactory(() => idleSocket({ readable }))
    .connect(ENDPOINT, connectOptions());
  const recorder = Recorder.on(socket);
  await recorder.until(5);
  assertEquals(recorder.bytes.toString(), "hello");
  assertStrictEquals(recorder.chunks[0]?.buffer, bytes.buffer);
  socket.destroy();
});

promise(
  "fromSocketFactory() reports a broken `closed` once, with its error",
  async () => {
    const closed = Promise.withResolvers<unknown>();
    const socket = await fromSocketFactory(() =>
      idleSocket({ closed: closed.promise })
    ).connect(ENDPOINT, connectOptions());
    const recorder = Recorder.on(socket);
    const error = new Error("the tunnel fell in");
    closed.reject(error);
    assertStrictEquals(await recorder.closed, error);
    socket.destroy();
    assertEquals(recorder.closes.length, 1);
  },
);

promise(
  "fromSocketFactory() reports a write that fails to its writer and as the close",
  async () => {
    const error = new Error("cut");
    const writable = new WritableStream<Uint8Array>({
      write: () => Promise.reject(error),
    });
    const socket = await fromSocketFactory(() => idleSocket({ writable }))
      .connect(ENDPOINT, connectOptions());
    const recorder = Recorder.on(socket);
    const written = Promise.withResolvers<unknown>();
    socket.write(new Uint8Array(8), written.resolve);
    assertStrictEquals(await written.promise, error);
    assertStrictEquals(await recorder.closed, error);
  },
);

promise("fromSocketFactory() closes a paused socket at destroy()", async () => {
  const inner = idleSocket();
  const socket = await fromSocketFactory(() => inner)
    .connect(ENDPOINT, connectOptions());
  const recorder = Recorder.on(socket);
  socket.pause();
  socket.destroy();
  assertEquals(await recorder.closed, undefined);
  assertEquals(inner.closes, 1);
});

promise(
  "fromSocketFactory() lets go of both streams at destroy()",
  async () => {
    const cancelled = Promise.withResolvers<unknown>();
    const aborted = Promise.withResolvers<unknown>();
    const readable = new ReadableStream<Uint8Array>({
      cancel: cancelled.resolve,
    });
    const writable = new WritableStream<Uint8Array>({ abort: aborted.resolve });
    const socket = await fromSocketFactory(() =>
      idleSocket({ readable, writable })
    )
      .connect(ENDPOINT, connectOptions());
    socket.destroy();
    await Promise.all([cancelled.promise, aborted.promise]);
  },
);

promise(
  "fromSocketFactory() reports a destroy() from before listen(), once",
  async () => {
    const socket = await fromSocketFactory(() => idleSocket())
      .connect(ENDPOINT, connectOptions());
    socket.destroy();
    const recorder = Recorder.on(socket);
    assertEquals(recorder.closes, []);
    assertEquals(await recorder.closed, undefined);
    assertEquals(recorder.closes.length, 1);
  },
);

promise(
  "fromSocketFactory() drops what it held back when destroyed while paused",
  async () => {
    const pulled = Promise.withResolvers<void>();
    const readable = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(8));
        pulled.resolve();
      },
    }, { highWaterMark: 0 });
    const socket = await fromSocketFactory(() => idleSocket({ readable }))
      .connect(ENDPOINT, connectOptions());
    const recorder = Recorder.on(socket);
    socket.pause();
    await pulled.promise;
    socket.destroy();
    socket.resume();
    await recorder.closed;
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(recorder.length, 0);
  },
);
