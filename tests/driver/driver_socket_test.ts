import {
  DriverSocket,
  type DriverSocketOwner,
} from "../../src/driver/driver_socket.ts";
import { assertEquals } from "../support/assert.ts";

function recording() {
  const calls: unknown[][] = [];
  const owner: DriverSocketOwner = {
    onWrite: (...args) => void calls.push(["write", ...args]),
    onLookUp: (send, skip) => void calls.push(["look up", send, skip]),
    onBareSync: () => void calls.push(["bare sync"]),
    onDestroy: () => void calls.push(["destroy"]),
    onPause: () => void calls.push(["pause"]),
    onResume: () => void calls.push(["resume"]),
  };
  return { socket: new DriverSocket(owner), calls };
}

Deno.test("DriverSocket hands all that the driver does to its owner", () => {
  const { socket, calls } = recording();
  const bytes = Uint8Array.of(1);
  const onWritten = () => {};
  assertEquals(socket.write(bytes, onWritten), true);
  socket.pause();
  socket.resume();
  socket.end();
  socket.destroy();
  assertEquals(calls, [
    ["write", bytes, onWritten],
    ["pause"],
    ["resume"],
    ["destroy"],
    ["destroy"],
  ]);
});

Deno.test("DriverSocket delivers bytes and errors to those who listen", () => {
  const { socket } = recording();
  const seen: unknown[] = [];
  socket.on("data", (bytes) => seen.push(bytes))
    .on("error", (error) => seen.push(error));
  const error = new Error("Gone");
  socket.deliver(Uint8Array.of(7));
  socket.fail(error);
  assertEquals(seen, [Uint8Array.of(7), error]);
});

Deno.test("DriverSocket delivers nothing to a listener that was removed", () => {
  const { socket } = recording();
  let count = 0;
  const listener = () => count++;
  socket.on("data", listener).removeListener("data", listener);
  socket.deliver(Uint8Array.of(7));
  socket.on("data", listener).removeAllListeners();
  socket.deliver(Uint8Array.of(7));
  assertEquals(count, 0);
});

Deno.test("DriverSocket never tells the driver that it closed, whatever happens", () => {
  const { socket } = recording();
  let isClosed = false;
  socket.on("close", () => isClosed = true).once(
    "close",
    () => isClosed = true,
  );
  socket.fail(new Error("Gone"));
  socket.end();
  socket.destroy();
  assertEquals([isClosed, socket.readyState], [false, "open"]);
});

Deno.test("DriverSocket survives an error that nobody listens to", () => {
  recording().socket.fail(new Error("Gone"));
});

Deno.test("DriverSocket lets its owner decide about a look-up of types, and of nothing else", () => {
  const { socket, calls } = recording();
  const seen: string[] = [];
  socket.on(
    "data",
    (bytes) => seen.push(new TextDecoder().decode(bytes as Uint8Array)),
  );
  const lookUp = new Uint8Array(64);
  lookUp.set([0x50, 0, 0, 0, 63]);
  socket.write(lookUp);
  const [name, send, skip] = calls.pop() as [string, () => void, () => void];
  assertEquals([name, calls], ["look up", []]);
  send();
  assertEquals(calls, [["write", lookUp, undefined]]);
  skip();
  assertEquals(seen, ["C\0\0\0\rSELECT 0\0Z\0\0\0\x05I"]);
  socket.write(Uint8Array.from([0x51, 0, 0, 0, 5, 0])); // primes it
  socket.write(lookUp);
  assertEquals(calls.length, 2);
});
