import { assert, assertEquals } from "./assert.ts";
import { eventually } from "./eventually.ts";
import { type FakePostgres, startFakePostgres } from "./fake_postgres.ts";
import { type FaultProxy, startFaultProxy } from "./fault_proxy.ts";
import { learnContract } from "./server_contract.ts";
import { int32, joined, message } from "../driver/server_bytes.ts";

const STARTUP = startup();
const QUERY = message("Q", "select 1 as one\0");

function startup(): Uint8Array {
  const words = new TextEncoder().encode("user\0a\0\0");
  return Uint8Array.from([
    ...int32(words.length + 8),
    ...int32(196608),
    ...words,
  ]);
}

/** Somebody who connects to the proxy, and keeps what came. */
class Visitor implements AsyncDisposable {
  came: Uint8Array = new Uint8Array(0);
  /** How many reads it took. */
  reads = 0;
  isEnded = false;
  error: unknown;
  readonly #connection: Deno.Conn;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
    void this.#read();
  }

  static async connect({ port }: FaultProxy): Promise<Visitor> {
    return new Visitor(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async say(...parts: readonly Uint8Array[]): Promise<void> {
    await this.#connection.write(joined(...parts));
  }

  /** The greeting, or the answer to a query: up to a `ReadyForQuery`. */
  async untilReady(count = 1): Promise<Uint8Array> {
    const head = "Z\0\0\0\x05";
    // Its last byte says the status of the transaction.
    const ready = () =>
      text(this.came.subarray(0, -1)).split(head).length > count;
    await eventually("it is ready", ready);
    return this.came;
  }

  async untilEnded(): Promise<Uint8Array> {
    await eventually("the connection ends", () => this.isEnded);
    return this.came;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const length = await this.#connection.read(buffer);
        if (length === null) break;
        this.reads++;
        this.came = joined(this.came, buffer.slice(0, length));
      }
    } catch (error) {
      this.error = error;
    }
    this.isEnded = true;
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function proxyTest(
  name: string,
  body: (proxy: FaultProxy, server: FakePostgres) => Promise<void>,
): void {
  Deno.test(`a fault proxy ${name}`, async () => {
    await using server = await startFakePostgres();
    learnContract(server);
    await using proxy = await startFaultProxy(server);
    await body(proxy, server);
  });
}

/** What a server says to somebody whom nobody disturbs. */
async function undisturbed(proxy: FaultProxy): Promise<Uint8Array> {
  await using visitor = await Visitor.connect(proxy);
  await visitor.say(STARTUP);
  return await visitor.untilReady();
}

/** The greeting, but for the pid and secret, which differ. */
function withoutKey(bytes: Uint8Array): string {
  const said = text(bytes);
  const at = said.indexOf("K\0\0\0\x0c");
  return said.slice(0, at) + said.slice(at + 13);
}

proxyTest("with noop passes all on", async (proxy) => {
  const before = await undisturbed(proxy);
  const fault = proxy.add({ kind: "noop" });
  assertEquals(withoutKey(await undisturbed(proxy)), withoutKey(before));
  assert(fault.strikes > 0);
});

proxyTest("cuts at the byte it is told, and no sooner", async (proxy) => {
  const whole = await undisturbed(proxy);
  for (const byte of [0, 1, 50, whole.length - 1]) {
    const at = { direction: "down", byte } as const;
    const fault = proxy.add({ kind: "limit_data", bytes: 0, at });
    await using visitor = await Visitor.connect(proxy);
    await visitor.say(STARTUP);
    assertEquals((await visitor.untilEnded()).length, byte);
    await fault.remove();
  }
  assertEquals((await undisturbed(proxy)).length, whole.length);
});

proxyTest(
  "strikes at a message, counted from when it was added",
  async (proxy, server) => {
    await using visitor = await Visitor.connect(proxy);
    await visitor.say(STARTUP, QUERY);
    await visitor.untilReady(2);
    const at = { direction: "up", message: "Q", nth: 2 } as const;
    const fault = proxy.add({ kind: "reset_peer", at });
    await visitor.say(QUERY);
    await visitor.untilReady(3);
    await visitor.say(QUERY);
    await fault.struck;
    await visitor.untilEnded();
    assert(visitor.error instanceof Deno.errors.ConnectionReset);
    assertEquals(server.statements.length, 2);
  },
);

proxyTest("strikes behind a message", async (proxy, server) => {
  const at = { direction: "up", message: "Q", edge: "after" } as const;
  const fault = proxy.add({ kind: "half_close", direction: "down", at });
  await using visitor = await Visitor.connect(proxy);
  await visitor.say(STARTUP);
  await visitor.untilReady();
  await visitor.say(QUERY);
  await fault.struck;
  await visitor.untilEnded();
  // The other direction flows on.
  await visitor.say(QUERY);
  await eventually("both came", () => server.statements.length === 2);
});

proxyTest("slices", async (proxy) => {
  const whole = await undisturbed(proxy);
  proxy.add({ kind: "slicer", size: 1, direction: "both" });
  await using visitor = await Visitor.connect(proxy);
  await visitor.say(STARTUP);
  const came = await visitor.untilReady();
  assertEquals(withoutKey(came), withoutKey(whole));
  assert(visitor.reads > whole.length / 4, `${visitor.reads} reads`);
});

proxyTest("duplicates a message, and injects bytes", async (proxy) => {
  await using visitor = await Visitor.connect(proxy);
  await visitor.say(STARTUP);
  const greeting = text(await visitor.untilReady());
  const at = { direction: "down", message: "D" } as const;
  proxy.add({ kind: "duplicate", at });
  const bytes = message("N", "x\0");
  const tail = { direction: "down", message: "Z" } as const;
  proxy.add({ kind: "garbage", bytes, at: tail });
  await visitor.say(QUERY);
  const said = text(await visitor.untilReady(2)).slice(greeting.length);
  assertEquals(said.split("D\0\0\0").length, 3);
  assert(said.includes(`SELECT 1\0${text(bytes)}Z`));
});

proxyTest("is late, slow, or late to hang up", async (proxy) => {
  for (
    const toxic of [
      { kind: "latency", latencyMs: 40 },
      { kind: "bandwidth", bytesPerMs: 4 },
      { kind: "slow_close", delayMs: 40 },
    ] as const
  ) {
    const fault = proxy.add(toxic);
    const began = performance.now();
    await using visitor = await Visitor.connect(proxy);
    await visitor.say(STARTUP, message("X"));
    await visitor.untilReady();
    await visitor.untilEnded();
    assert(performance.now() - began >= 39, `${toxic.kind} took no time`);
    await fault.remove();
  }
});

proxyTest("swallows, and closes when that ends", async (proxy) => {
  const fault = proxy.add({ kind: "timeout", timeoutMs: 0 });
  await using visitor = await Visitor.connect(proxy);
  await visitor.say(STARTUP);
  await fault.struck;
  await fault.remove();
  assertEquals((await visitor.untilEnded()).length, 0);
  const closing = proxy.add({ kind: "timeout", timeoutMs: 10 });
  await using other = await Visitor.connect(proxy);
  await other.say(STARTUP);
  assertEquals((await other.untilEnded()).length, 0);
  await closing.remove();
});

proxyTest("is down, and up again when that ends", async (proxy) => {
  await using visitor = await Visitor.connect(proxy);
  await eventually("it is there", () => proxy.connections === 1);
  const fault = proxy.add({ kind: "down" });
  await visitor.untilEnded();
  assertEquals(await Visitor.connect(proxy).catch(() => "refused"), "refused");
  await fault.remove();
  await undisturbed(proxy);
});

proxyTest("flaps", async (proxy) => {
  const fault = proxy.add({ kind: "flapping", downMs: 5, upMs: 20 });
  const seen = new Set<string>();
  await eventually("both were seen", async () => {
    const visitor = await Visitor.connect(proxy).catch(() => undefined);
    seen.add(visitor === undefined ? "down" : "up");
    await visitor?.[Symbol.asyncDispose]();
    return seen.size === 2;
  });
  await fault.remove();
  await undisturbed(proxy);
});

proxyTest("strikes as often as it is told", async (proxy) => {
  const at = { direction: "down", message: "K" } as const;
  const fault = proxy.add({ kind: "reset_peer", at, times: 1 });
  await using visitor = await Visitor.connect(proxy);
  await visitor.say(STARTUP);
  await visitor.untilEnded();
  await undisturbed(proxy);
  assertEquals(fault.strikes, 1);
});
