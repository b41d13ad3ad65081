/**
 * A proxy that does to connections what Toxiproxy's toxics do, under their
 * names, and some that it lacks; each at once, or at an exact byte or message.
 *
 * ```ts ignore
 * await using proxy = await startFaultProxy(server);
 * const pool = createPool(proxy.urlOf(server.url));
 * const fault = proxy.add({
 *   kind: "reset_peer",
 *   at: { direction: "up", message: "Q", nth: 2 },
 *   times: 1,
 * });
 * await fault.struck; // the second simple query never reached the server
 * await fault.remove();
 * ```
 */
import { type FaultDirection, FaultStream } from "./fault_stream.ts";
import { Proxy, type ProxyTarget } from "./proxy.ts";
import type { ProxyLink } from "./proxy_link.ts";
import type { FaultPlace, Toxic } from "./toxics.ts";

export type { FaultDirection, FaultPoint } from "./fault_stream.ts";
export type { FaultPlace, Toxic, ToxicKind } from "./toxics.ts";

/** Starts a fault proxy on a free port of 127.0.0.1. */
export async function startFaultProxy(
  target: ProxyTarget,
): Promise<FaultProxy> {
  const proxy = new FaultProxy(target);
  await proxy.accept();
  return proxy;
}

// No PostgreSQL message begins like this.
const GARBAGE = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");

/** A connection, and its streams as they are tampered with. */
class FaultLink {
  readonly link: ProxyLink;
  readonly streams: Readonly<Record<FaultDirection, FaultStream>>;

  constructor(link: ProxyLink) {
    this.link = link;
    const up = tap(link, "up");
    const down = tap(link, "down");
    up.onSslAsked = () => down.framer.expectEncryptionAnswer();
    for (const stream of [up, down]) stream.onLimit = () => this.close();
    this.streams = { up, down };
  }

  /** Ends both directions, behind what was passed on. */
  close(): void {
    this.link.halfClose("requests");
    this.link.halfClose("replies");
  }

  /** Drops what is held back. */
  stop(): void {
    for (const stream of Object.values(this.streams)) stream.stop();
  }

  /** Passes nothing on any more, in one direction. */
  swallow(direction: FaultDirection): void {
    this.link.swallow(linkDirection(direction));
  }
}

/** Forwards connections to its target, until it is told otherwise. */
export class FaultProxy extends Proxy {
  readonly #faulty = new Set<FaultLink>();
  readonly #faults = new Set<Fault>();

  constructor(target: ProxyTarget) {
    super(target);
    this.onLink = (made) => {
      const link = new FaultLink(made);
      this.#faulty.add(link);
      for (const fault of this.#faults) fault.meet(link);
    };
    this.onLinkEnd = (ended) => {
      for (const link of this.#faulty) {
        if (link.link !== ended) continue;
        this.#faulty.delete(link);
        link.stop();
      }
    };
  }

  /** How many bytes came in one direction, over the connections that stand. */
  bytes(direction: FaultDirection): number {
    const positions = [...this.#faulty].map(({ streams }) =>
      streams[direction].position
    );
    return positions.reduce((sum, position) => sum + position, 0);
  }

  /** Adds a fault. */
  add(toxic: Toxic & FaultPlace): Fault {
    const fault = new Fault(this, toxic, () => this.#faults.delete(fault));
    this.#faults.add(fault);
    for (const link of [...this.#faulty]) fault.meet(link);
    fault.begin();
    return fault;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const fault of [...this.#faults]) await fault.remove();
    for (const link of this.#faulty) link.stop();
    await super[Symbol.asyncDispose]();
  }
}

/** A toxic in its place. */
export class Fault {
  /** Resolves once it has struck. */
  readonly struck: Promise<void>;
  /** How many connections it has struck. */
  strikes = 0;
  readonly #proxy: FaultProxy;
  readonly #toxic: Toxic & FaultPlace;
  readonly #onRemove: () => void;
  readonly #hit = new Set<FaultLink>();
  readonly #undo: (() => void)[] = [];
  #announce!: () => void;
  #flap: ReturnType<typeof setTimeout> | undefined;
  #isRemoved = false;

  constructor(
    proxy: FaultProxy,
    toxic: Toxic & FaultPlace,
    onRemove: () => void,
  ) {
    this.#proxy = proxy;
    this.#toxic = toxic;
    this.#onRemove = onRemove;
    this.struck = new Promise((resolve) => this.#announce = resolve);
  }

  /** A connection is there, or new. */
  meet(link: FaultLink): void {
    const { at } = this.#toxic;
    if (at === undefined) {
      if (!this.#isGlobal) this.#strike(link);
      return;
    }
    const ambush = { at, spring: () => this.#strike(link) };
    link.streams[at.direction].lay(ambush);
    this.#undo.push(() => link.streams[at.direction].lift(ambush));
  }

  /** What needs no connection to strike. */
  begin(): void {
    if (this.#isGlobal && this.#toxic.at === undefined) this.#strikeAll();
  }

  /** Ends it; what it held back flows, and what it swallowed is cut. */
  async remove(): Promise<void> {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#onRemove();
    clearTimeout(this.#flap);
    for (const undo of this.#undo.splice(0)) undo();
    const { kind } = this.#toxic;
    if (kind === "timeout") {
      for (const link of this.#hit) {
        link.link.cut(false);
      }
    }
    if (this.#isGlobal) await this.#proxy.accept();
  }

  /** It is done to the proxy as a whole. */
  get #isGlobal(): boolean {
    const { kind } = this.#toxic;
    return kind === "down" || kind === "flapping";
  }

  #strike(link: FaultLink): void {
    const { times = Infinity, direction, at } = this.#toxic;
    if (this.#isRemoved || this.strikes >= times) return;
    this.strikes++;
    this.#hit.add(link);
    const which = direction ?? at?.direction ?? "down";
    const directions = which === "both" ? ["up", "down"] as const : [which];
    this.#strikeLink(link);
    for (const one of directions) this.#strikeStream(link, one);
    this.#announce();
  }

  #strikeLink(link: FaultLink): void {
    if (this.#isGlobal) this.#strikeAll();
    else if (this.#toxic.kind === "reset_peer") link.link.cut(true);
  }

  #strikeAll(): void {
    this.strikes ||= 1;
    this.#announce();
    void this.#proxy.refuse();
    this.#proxy.cut();
    if (this.#toxic.kind !== "flapping" || this.#flap !== undefined) return;
    this.#flapLater();
  }

  #flapLater(isUp = true): void {
    if (this.#toxic.kind !== "flapping") return;
    const { upMs, downMs } = this.#toxic;
    this.#flap = setTimeout(() => {
      if (isUp) void this.#proxy.accept();
      else {
        void this.#proxy.refuse();
        this.#proxy.cut();
      }
      this.#flapLater(!isUp);
    }, isUp ? downMs : upMs);
  }

  #strikeStream(link: FaultLink, direction: FaultDirection): void {
    const stream = link.streams[direction];
    const toxic = this.#toxic;
    switch (toxic.kind) {
      case "latency":
        return this.#set(stream, { latencyMs: toxic.latencyMs });
      case "bandwidth":
        return this.#set(stream, { bytesPerMs: toxic.bytesPerMs });
      case "slow_close":
        return this.#set(stream, { closeDelayMs: toxic.delayMs });
      case "slicer":
        return this.#set(stream, { sliceSize: toxic.size });
      case "limit_data":
        this.#set(stream, { limit: toxic.bytes });
        if (toxic.bytes === 0) link.close();
        return;
      case "timeout":
        link.swallow(direction);
        if (toxic.timeoutMs > 0) {
          const timer = setTimeout(() => link.link.cut(false), toxic.timeoutMs);
          this.#undo.push(() => clearTimeout(timer));
        }
        return;
      case "half_close":
        return link.link.halfClose(linkDirection(direction));
      case "garbage":
        return stream.inject(toxic.bytes ?? GARBAGE);
      case "duplicate":
        return stream.duplicate();
    }
  }

  #set(stream: FaultStream, values: Partial<FaultStream>): void {
    const before = Object.fromEntries(
      Object.keys(values).map((key) => [key, stream[key as keyof FaultStream]]),
    );
    Object.assign(stream, values);
    this.#undo.push(() => {
      Object.assign(stream, before);
      stream.hurry();
    });
  }
}

function tap(link: ProxyLink, direction: FaultDirection): FaultStream {
  let stream!: FaultStream;
  link.tap(
    linkDirection(direction),
    (outlet) => stream = new FaultStream(direction, outlet),
  );
  return stream;
}

function linkDirection(direction: FaultDirection): "requests" | "replies" {
  return direction === "up" ? "requests" : "replies";
}
