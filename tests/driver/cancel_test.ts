import { type CancelTarget, sendCancel } from "../../src/driver/cancel.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { FakeTransport, until } from "./fake_transport.ts";
import { int32 } from "./server_bytes.ts";

function cancelling(transport: FakeTransport, signal = AbortSignal.any([])) {
  const target: CancelTarget = {
    transport,
    endpoint: { host: "db.example", port: 5432 },
    options: {
      tls: { mode: "require", negotiation: "postgres", options: {} },
      keepAliveMs: 0,
    },
  };
  const key = { pid: 42, secret: -7 };
  let isDone = false;
  const done = sendCancel(target, key, signal).then(() => void (isDone = true));
  return { done, isDone: () => isDone };
}

Deno.test("sendCancel() dials as the session was, and shows its pid and secret", async () => {
  const transport = new FakeTransport();
  const { done } = cancelling(transport);
  await until(() => transport.sockets.length === 1, "socket");
  const [socket] = transport.sockets;
  await until(() => socket!.written.length === 1, "request");
  assertEquals(transport.dials[0]!.endpoint.host, "db.example");
  assertEquals(transport.dials[0]!.options.tls.mode, "require");
  assertEquals(
    socket!.written,
    [Uint8Array.from([16, 80877102, 42, -7].flatMap(int32))],
  );
  socket!.close();
  await done;
});

Deno.test("sendCancel() resolves when the server has closed, not before", async () => {
  const transport = new FakeTransport();
  const { done, isDone } = cancelling(transport);
  await until(() => transport.sockets[0]?.written.length === 1, "request");
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isDone(), false);
  transport.sockets[0]!.close();
  await done;
});

Deno.test("sendCancel() takes a reset for an end, as libpq does", async () => {
  const transport = new FakeTransport();
  const { done } = cancelling(transport);
  await until(() => transport.sockets[0]?.written.length === 1, "request");
  transport.sockets[0]!.close(new Error("ECONNRESET"));
  await done;
});

Deno.test("sendCancel() rejects when the server cannot be reached", async () => {
  const transport = new FakeTransport();
  transport.onConnect = () => Promise.reject(new Error("refused"));
  await assertRejects(() => cancelling(transport).done, Error, "refused");
});

Deno.test("sendCancel() gives up when told, and leaves no socket", async () => {
  const transport = new FakeTransport();
  const abort = new AbortController();
  const { done } = cancelling(transport, abort.signal);
  await until(() => transport.sockets[0]?.written.length === 1, "request");
  abort.abort(new Error("Enough"));
  await assertRejects(() => done, Error, "Enough");
  assertEquals(transport.sockets[0]!.isDestroyed, true);
});

Deno.test("sendCancel() gives up when told while it dials, and leaves no socket", async () => {
  const transport = new FakeTransport();
  const abort = new AbortController();
  transport.onConnect = () => abort.abort(new Error("Enough"));
  const { done } = cancelling(transport, abort.signal);
  await assertRejects(() => done, Error, "Enough");
  assertEquals(transport.sockets[0]!.isDestroyed, true);
});
