/**
 * What every transport must do, as tests that any of them can be put through.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket as NodeStream } from "node:net";

import type {
  Socket,
  TlsPlan,
  Transport,
} from "../../src/transport/transport.ts";
import { assert, assertEquals, assertStrictEquals } from "../support/assert.ts";
import { promise } from "./promise.ts";
import { connectOptions, Recorder } from "./recorder.ts";
import type { Serve, SocketServer } from "./socket_server.ts";

/** One transport, and a way to make servers that it can reach. */
export interface ContractSubject {
  readonly name: string;
  readonly transport: Transport;
  readonly tls: TlsPlan;
  /** Starts a server that hands each connection to `serve`. */
  listen(serve: Serve): Promise<SocketServer>;
}

/** Puts a transport through the contract. */
export function transportContract(subject: ContractSubject): void {
  for (const [name, test] of Object.entries(PROMISES)) {
    promise(`${subject.name}: ${name}`, () => test(subject));
  }
}

const MEGABYTE = 1 << 20;

const PROMISES: Readonly<
  Record<string, (subject: ContractSubject) => Promise<void>>
> = {
  "carries 1 MB both ways byte for byte, as Buffers": async (subject) => {
    await using server = await subject.listen((peer) => peer.pipe(peer));
    const { socket, recorder } = await connect(subject, server);
    const sent = randomBytes(MEGABYTE);
    for (let at = 0, size = 1; at < sent.length; at += size, size *= 3) {
      socket.write(sent.subarray(at, at + size));
    }
    await recorder.until(sent.length);
    assert(recorder.bytes.equals(sent));
    assert(recorder.chunks.every((chunk) => Buffer.isBuffer(chunk)));
    socket.destroy();
  },

  "delivers nothing before listen()": async (subject) => {
    await using server = await subject.listen((peer) => peer.write("hello"));
    const socket = await connectUnheard(subject, server);
    await turns();
    const recorder = Recorder.on(socket);
    await recorder.until(5);
    assertEquals(recorder.bytes.toString(), "hello");
    socket.destroy();
  },

  "delivers all that came before listen(), and then the server's end": async (
    subject,
  ) => {
    const sent = randomBytes(100_000);
    await using server = await subject.listen((peer) => peer.end(sent));
    const socket = await connectUnheard(subject, server);
    await turns();
    const recorder = Recorder.on(socket);
    await recorder.closed;
    assert(recorder.bytes.equals(sent), `${recorder.bytes.length} bytes`);
  },

  "delivers nothing while paused, and all of it after resume()": async (
    subject,
  ) => {
    await using server = await subject.listen((peer) => peer.pipe(peer));
    const { socket, recorder } = await connect(subject, server);
    socket.pause();
    const written = Promise.withResolvers<void>();
    socket.write(randomBytes(MEGABYTE / 16), () => written.resolve());
    await written.promise;
    await turns();
    const { length } = recorder;
    socket.resume();
    await recorder.until(MEGABYTE / 16);
    assertEquals(length, 0);
    socket.destroy();
  },

  "reports the server's end once, after the bytes before it": async (
    subject,
  ) => {
    await using server = await subject.listen((peer) =>
      peer.end(Buffer.alloc(MEGABYTE, 7))
    );
    const { recorder } = await connect(subject, server);
    await recorder.closed;
    await turns();
    assertEquals([recorder.length, recorder.closes.length], [MEGABYTE, 1]);
    await server.untilEmpty();
  },

  "reports the server's end though it takes no more bytes": async (subject) => {
    const peers: NodeStream[] = [];
    await using server = await subject.listen((peer) => {
      peer.pause();
      peers.push(peer);
    });
    const { socket, recorder } = await connect(subject, server);
    const chunk = randomBytes(MEGABYTE);
    for (let writes = 0; writes < 16; writes++) socket.write(chunk);
    await until(() => peers.length > 0);
    peers[0]?.end();
    await recorder.closed;
    assertEquals(recorder.closes.length, 1);
  },

  "reports a reset once": async (subject) => {
    await using server = await subject.listen((peer, raw) =>
      peer.once("data", () => reset(raw))
    );
    const { socket, recorder } = await connect(subject, server);
    socket.write(randomBytes(8));
    await recorder.closed;
    socket.write(randomBytes(8));
    socket.destroy();
    await turns();
    assertEquals(recorder.closes.length, 1);
  },

  "reports a close from before listen()": async (subject) => {
    await using server = await subject.listen((peer, raw) =>
      peer.once("data", () => reset(raw))
    );
    const socket = await connectUnheard(subject, server);
    socket.write(randomBytes(8));
    await server.untilEmpty();
    await turns();
    const recorder = Recorder.on(socket);
    await recorder.closed;
    await turns();
    assertEquals(recorder.closes.length, 1);
  },

  "reports its own destroy() once, later and without an error": async (
    subject,
  ) => {
    await using server = await subject.listen((peer) => peer.pipe(peer));
    const { socket, recorder } = await connect(subject, server);
    socket.destroy();
    socket.destroy();
    assertEquals(recorder.closes, []);
    assertEquals(await recorder.closed, undefined);
    socket.destroy();
    await turns();
    assertEquals(recorder.closes.length, 1);
    await server.untilEmpty();
  },

  "delivers nothing after destroy()": async (subject) => {
    await using server = await subject.listen((peer) =>
      peer.write(Buffer.alloc(MEGABYTE))
    );
    const socket = await connectUnheard(subject, server);
    let deliveries = 0;
    const closed = Promise.withResolvers<void>();
    socket.listen({
      onData() {
        deliveries++;
        socket.destroy();
      },
      onClose: () => closed.resolve(),
    });
    await closed.promise;
    await turns();
    assertEquals(deliveries, 1);
  },

  "sends what was written before end(), then closes once": async (subject) => {
    const received: Uint8Array[] = [];
    await using server = await subject.listen((peer) =>
      peer.on("data", (bytes) => received.push(bytes))
    );
    const { socket, recorder } = await connect(subject, server);
    const sent = randomBytes(MEGABYTE);
    socket.write(sent);
    socket.end();
    socket.end();
    await recorder.closed;
    await turns();
    assertEquals(recorder.closes, [undefined]);
    assert(Buffer.concat(received).equals(sent));
  },

  "drops what is written after the end": async (subject) => {
    await using server = await subject.listen((peer) => peer.resume());
    const { socket, recorder } = await connect(subject, server);
    socket.end();
    await assertDropped(socket);
    await recorder.closed;
    await assertDropped(socket);
    socket.end();
    socket.pause();
    socket.resume();
    socket.ref();
    socket.unref();
    await turns();
    assertEquals(recorder.closes.length, 1);
  },

  "rejects with the signal's reason when aborted while connecting": async (
    subject,
  ) => {
    await using server = await subject.listen((peer) => peer.pipe(peer));
    const { transport, tls } = subject;
    const aborter = new AbortController();
    const reason = new Error("no longer wanted");
    const outcome = transport
      .connect(server.endpoint, connectOptions(tls, aborter.signal))
      .catch((error) => error);
    aborter.abort(reason);
    assertStrictEquals(await outcome, reason);
    await turns();
    await server.untilEmpty();
  },

  "rejects at once when aborted before": async (subject) => {
    await using server = await subject.listen((peer) => peer.pipe(peer));
    const { transport, tls } = subject;
    const reason = new Error("never wanted");
    const outcome = await transport
      .connect(server.endpoint, connectOptions(tls, AbortSignal.abort(reason)))
      .catch((error) => error);
    assertStrictEquals(outcome, reason);
    await turns();
    assertEquals(server.accepted, 0);
  },

  "leaves nothing on the signal": async (subject) => {
    await using server = await subject.listen((peer) => peer.pipe(peer));
    const { transport, tls } = subject;
    const aborter = new AbortController();
    const listeners = countListeners(aborter.signal);
    const socket = await transport.connect(
      server.endpoint,
      connectOptions(tls, aborter.signal),
    );
    await turns();
    assertEquals(listeners.size, 0);
    aborter.abort();
    socket.write(Buffer.from("still here"));
    await Recorder.on(socket).until(10);
    socket.destroy();
  },
};

/** Connects, and does not listen. */
function connectUnheard(
  { transport, tls }: ContractSubject,
  server: SocketServer,
): Promise<Socket> {
  return transport.connect(server.endpoint, connectOptions(tls));
}

async function connect(
  subject: ContractSubject,
  server: SocketServer,
): Promise<{ socket: Socket; recorder: Recorder }> {
  const socket = await connectUnheard(subject, server);
  return { socket, recorder: Recorder.on(socket) };
}

async function assertDropped(socket: Socket): Promise<void> {
  const answer = Promise.withResolvers<unknown>();
  let isCalled = false;
  socket.write(Buffer.from("late"), (error) => {
    isCalled = true;
    answer.resolve(error);
  });
  assertEquals(isCalled, false);
  assert(await answer.promise instanceof Error);
}

/** Breaks a connection off; a Unix socket knows no reset. */
function reset(raw: NodeStream): void {
  if (raw.remoteFamily === undefined) raw.destroy();
  else raw.resetAndDestroy();
}

function countListeners(signal: AbortSignal): Set<unknown> {
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener(...args: Parameters<typeof addEventListener>) {
      listeners.add(args[1]);
      addEventListener.apply(signal, args);
    },
    removeEventListener(...args: Parameters<typeof removeEventListener>) {
      listeners.delete(args[1]);
      removeEventListener.apply(signal, args);
    },
  });
  return listeners;
}

function randomBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

/** A few turns of the event loop, in which a second, wrong call would come. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 2_000;
  while (!isSo()) {
    assert(Date.now() < deadline, "did not come to be within 2 s");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
