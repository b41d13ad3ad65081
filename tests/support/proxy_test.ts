import { assert, assertEquals, assertRejects } from "./assert.ts";
import { eventually, nextTurn } from "./eventually.ts";
import { type Proxy, startProxy } from "./proxy.ts";

/** A server that answers each chunk with the same. */
function startEcho(): AsyncDisposable & { host: string; port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Promise<void>>();
  const serving = (async () => {
    for await (const connection of listener) {
      const echoed = connection.readable.pipeTo(connection.writable)
        .catch(() => {});
      open.add(echoed);
    }
  })();
  return {
    host: "127.0.0.1",
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
      await Promise.all(open);
    },
  };
}

/** A connection through a proxy. */
class Caller implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  #received = "";
  readonly ended: Promise<string>;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.ended = this.#read();
  }

  static async dial({ port }: Proxy): Promise<Caller> {
    return new Caller(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async say(text: string): Promise<void> {
    await this.#connection.write(new TextEncoder().encode(text));
  }

  get received(): string {
    return this.#received;
  }

  async hears(text: string): Promise<void> {
    await eventually(`${text} came`, () => this.#received === text);
  }

  /** How it ended: "end", or the name of the error. */
  async #read(): Promise<string> {
    const decoder = new TextDecoder();
    const bytes = new Uint8Array(1024);
    try {
      for (;;) {
        const length = await this.#connection.read(bytes);
        if (length === null) return "end";
        this.#received += decoder.decode(bytes.subarray(0, length));
      }
    } catch (error) {
      return (error as Error).name;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.ended;
  }
}

Deno.test("startProxy() forwards both ways, and counts connections", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  {
    await using one = await Caller.dial(proxy);
    await using two = await Caller.dial(proxy);
    await Promise.all([one.say("one"), two.say("two")]);
    await Promise.all([one.hears("one"), two.hears("two")]);
    assertEquals([proxy.connections, proxy.accepted], [2, 2]);
  }
  await eventually("both have ended", () => proxy.connections === 0);
  assertEquals(proxy.accepted, 2);
});

for (const direction of ["requests", "replies", undefined] as const) {
  Deno.test(`hold(${direction ?? ""}) keeps bytes, and release() lets them go in order`, async () => {
    await using echo = startEcho();
    await using proxy = await startProxy(echo);
    await using old = await Caller.dial(proxy);
    await old.say("a");
    await old.hears("a");
    proxy.hold(direction);
    await using young = await Caller.dial(proxy);
    for (const caller of [old, young]) {
      await caller.say("b");
      await caller.say("c");
    }
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    assertEquals([old.received, young.received], ["a", ""]);
    proxy.release(direction);
    await Promise.all([old.hears("abc"), young.hears("bc")]);
  });
}

Deno.test("requested() resolves when a text comes by, held or not", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  await using caller = await Caller.dial(proxy);
  proxy.hold();
  const seen = proxy.requested("needle");
  await caller.say("a needle in hay");
  await seen;
  assertEquals(caller.received, "");
});

Deno.test("cut() ends connections, in order or not", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  for (
    const [mode, ending] of [
      ["close", "end"],
      ["reset", "ConnectionReset"],
    ] as const
  ) {
    await using caller = await Caller.dial(proxy);
    await caller.say("a");
    await caller.hears("a");
    proxy.cut(mode);
    assertEquals(await caller.ended, ending);
    await eventually("it is forgotten", () => proxy.connections === 0);
  }
});

Deno.test("blackHole() swallows bytes and ends; after release() new connections work", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  await using old = await Caller.dial(proxy);
  await old.say("a");
  await old.hears("a");
  proxy.blackHole();
  await using young = await Caller.dial(proxy);
  await old.say("b");
  await young.say("b");
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  assertEquals([old.received, young.received], ["a", ""]);
  proxy.release();
  await using next = await Caller.dial(proxy);
  await next.say("c");
  await next.hears("c");
  assertEquals([old.received, young.received], ["a", ""]);
  proxy.cut();
});

Deno.test("trickle() forwards a few bytes at a time, all of them", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  proxy.trickle(3);
  await using caller = await Caller.dial(proxy);
  await caller.say("0123456789".repeat(10));
  await caller.hears("0123456789".repeat(10));
});

Deno.test("inject() sends what the server never said", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  await using caller = await Caller.dial(proxy);
  await caller.say("a");
  await caller.hears("a");
  proxy.inject(new TextEncoder().encode("!"));
  await caller.hears("a!");
});

Deno.test("refuse() turns new connections down, and accept() takes them again, on the same port", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  const { port } = proxy;
  await using old = await Caller.dial(proxy);
  await proxy.refuse();
  await assertRejects(() => Caller.dial(proxy), Deno.errors.ConnectionRefused);
  await old.say("a");
  await old.hears("a");
  await proxy.accept();
  await using caller = await Caller.dial(proxy);
  await caller.say("b");
  await caller.hears("b");
  assertEquals(proxy.port, port);
});

Deno.test("an end is handed on after what was said before it", async () => {
  await using echo = startEcho();
  await using proxy = await startProxy(echo);
  const connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: proxy.port,
  });
  await connection.write(new TextEncoder().encode("bye"));
  await connection.closeWrite();
  const answer = await new Response(connection.readable).text();
  assertEquals(answer, "bye");
  await eventually("it is forgotten", () => proxy.connections === 0);
});

Deno.test("a target that nobody listens on ends the connection", async () => {
  const echo = startEcho();
  await echo[Symbol.asyncDispose]();
  await using proxy = await startProxy(echo);
  await using caller = await Caller.dial(proxy);
  assert(["end", "ConnectionReset"].includes(await caller.ended));
});
