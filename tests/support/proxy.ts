/**
 * A TCP proxy in front of a server, to do to connections what networks do:
 * hold bytes back, trickle them, swallow them, cut, refuse.
 *
 * ```ts ignore
 * await using proxy = await startProxy(server);
 * const pool = createPool(proxy.urlOf(server.url));
 * proxy.hold("replies"); // what the server says is kept
 * await proxy.requested("commit"); // until the pool has sent this
 * proxy.cut(); // and now the line is dead
 * ```
 */
import { createServer, type Server, type Socket } from "node:net";
import { type Direction, ProxyLink } from "./proxy_link.ts";

/** Where a proxy leads to. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** How a line ends: in order (FIN), or not (RST). */
export type CutMode = "close" | "reset";

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startProxy(target: ProxyTarget): Promise<Proxy> {
  const proxy = new Proxy(target);
  await proxy.accept();
  return proxy;
}

/** Forwards connections to its target, until it is told otherwise. */
export class Proxy implements AsyncDisposable {
  /** Told of each connection before its first byte. */
  onLink: ((link: ProxyLink) => void) | undefined;
  /** Told when both sides of a connection are gone. */
  onLinkEnd: ((link: ProxyLink) => void) | undefined;
  readonly #target: ProxyTarget;
  readonly #links = new Set<ProxyLink>();
  readonly #held = new Set<Direction>();
  readonly #awaited = new Set<{ text: string; found: () => void }>();
  #server: Server | undefined;
  #port = 0;
  #accepted = 0;
  #isBlackHole = false;
  #chunkSize = Infinity;

  constructor(target: ProxyTarget) {
    this.#target = target;
  }

  /** Where it listens. */
  get port(): number {
    return this.#port;
  }

  /** The URL of the same thing through this proxy. */
  urlOf(url: string): string {
    const through = new URL(url);
    through.hostname = "127.0.0.1";
    through.port = String(this.#port);
    return through.href;
  }

  /** How many connections stand, cancel requests included. */
  get connections(): number {
    return this.#links.size;
  }

  /** How many there have been. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Keeps what is sent, in one direction or both, now and on new connections. */
  hold(direction?: Direction): void {
    this.#eachDirection(direction, (one) => {
      this.#held.add(one);
      for (const link of this.#links) link.hold(one);
    });
  }

  /** Lets it flow again, first what was kept; what was swallowed is lost. */
  release(direction?: Direction): void {
    this.#isBlackHole = false;
    this.#eachDirection(direction, (one) => {
      this.#held.delete(one);
      for (const link of this.#links) link.release(one);
    });
  }

  /**
   * Swallows everything, ends of connections too, as a network that drops
   * packets. New connections are accepted and never answered, until `release()`;
   * those that stand now are lost for good.
   */
  blackHole(): void {
    this.#isBlackHole = true;
    for (const link of this.#links) link.blackHole();
  }

  /** Ends all connections at once, on both sides. */
  cut(mode: CutMode = "close"): void {
    for (const link of [...this.#links]) link.cut(mode === "reset");
  }

  /** One of the connections that stand, by a number from 0 up to 1; `undefined` of none. */
  linkAt(chance: number): ProxyLink | undefined {
    return [...this.#links][Math.floor(chance * this.#links.size)];
  }

  /** Forwards at most so many bytes at a time, each chunk in a turn of its own. */
  trickle(chunkSize: number): void {
    this.#chunkSize = chunkSize;
    for (const link of this.#links) link.chunkSize = chunkSize;
  }

  /** Sends bytes to everybody who is connected, as if the server had. */
  inject(bytes: Uint8Array): void {
    for (const link of this.#links) link.inject(bytes);
  }

  /** Resolves when, from now on, a chunk on its way to the target contains this. */
  requested(text: string): Promise<void> {
    return new Promise((found) => this.#awaited.add({ text, found }));
  }

  /** Refuses new connections; those that stand are left alone. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // It calls back only once all connections have ended: not waited for.
    server?.close();
    await undefined;
  }

  /** Accepts connections again, on the same port. */
  accept(): Promise<void> {
    if (this.#server !== undefined) return Promise.resolve();
    const server = createServer({ allowHalfOpen: true }, (near) => {
      this.#take(near);
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.on("error", reject);
      server.listen(this.#port, "127.0.0.1", () => {
        const address = server.address();
        if (address !== null && typeof address === "object") {
          this.#port = address.port;
        }
        resolve();
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    this.cut();
  }

  #take(near: Socket): void {
    this.#accepted++;
    const link = new ProxyLink(near, this.#target, {
      onEnd: () => {
        this.#links.delete(link);
        this.onLinkEnd?.(link);
      },
      onRequest: (bytes) => this.#look(bytes),
    });
    link.chunkSize = this.#chunkSize;
    this.#links.add(link);
    for (const direction of this.#held) link.hold(direction);
    if (this.#isBlackHole) link.blackHole();
    this.onLink?.(link);
  }

  #look(bytes: Uint8Array): void {
    if (this.#awaited.size === 0) return;
    const text = new TextDecoder().decode(bytes);
    for (const awaited of this.#awaited) {
      if (!text.includes(awaited.text)) continue;
      this.#awaited.delete(awaited);
      awaited.found();
    }
  }

  #eachDirection(
    direction: Direction | undefined,
    act: (direction: Direction) => void,
  ): void {
    if (direction !== "replies") act("requests");
    if (direction !== "requests") act("replies");
  }
}
