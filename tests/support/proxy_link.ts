/** One connection through a proxy: two streams of bytes, each of which can be held. */
import { connect, type Socket } from "node:net";

/** `requests` go to the server, `replies` come from it. */
export type Direction = "requests" | "replies";

/** What a link tells its proxy. */
export interface LinkListener {
  /** Both sides are gone. */
  onEnd(): void;
  /** This came from the near side, whatever becomes of it. */
  onRequest(bytes: Uint8Array): void;
}

/** Where what came goes on to. */
export interface Outlet {
  push(bytes: Uint8Array): void;
  end(): void;
}

/** What stands in one direction of a link, and passes on what came as it likes. */
export type Tap = Outlet;

/** A connection of somebody, and ours to the target on their behalf. */
export class ProxyLink {
  /** How many bytes are forwarded at a time. */
  chunkSize = Infinity;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #streams: Record<Direction, ByteStream>;
  readonly #listener: LinkListener;
  #open = 2;

  constructor(
    near: Socket,
    target: { readonly host: string; readonly port: number },
    listener: LinkListener,
  ) {
    this.#near = near;
    this.#listener = listener;
    const { host, port } = target;
    this.#far = connect({ host, port, allowHalfOpen: true });
    near.setNoDelay(true);
    this.#far.setNoDelay(true);
    const size = () => this.chunkSize;
    this.#streams = {
      requests: new ByteStream(near, this.#far, size),
      replies: new ByteStream(this.#far, near, size),
    };
    near.on("data", (bytes: Uint8Array) => listener.onRequest(bytes));
    for (const socket of [near, this.#far]) {
      socket.on("error", () => {});
      socket.on("close", () => this.#onClose());
    }
  }

  hold(direction: Direction): void {
    this.#streams[direction].hold();
  }

  release(direction: Direction): void {
    this.#streams[direction].release();
  }

  blackHole(): void {
    this.#streams.requests.swallow();
    this.#streams.replies.swallow();
  }

  /** Puts a tap into one direction, before what is held and trickled there. */
  tap(direction: Direction, create: (outlet: Outlet) => Tap): void {
    const stream = this.#streams[direction];
    stream.tap = create({
      push: (bytes) => stream.push(bytes),
      end: () => stream.endAfterQueue(),
    });
  }

  /** Swallows what goes in one direction from now on, its end too. */
  swallow(direction: Direction): void {
    this.#streams[direction].swallow();
  }

  /** Ends one direction, as if the other side had said all; the other goes on. */
  halfClose(direction: Direction): void {
    const stream = this.#streams[direction];
    stream.endAfterQueue();
    stream.swallow();
  }

  cut(isReset: boolean): void {
    if (isReset) this.#near.resetAndDestroy();
    else this.#near.destroy();
    this.#far.destroy();
    this.#streams.requests.swallow();
    this.#streams.replies.swallow();
  }

  inject(bytes: Uint8Array): void {
    this.#near.write(bytes);
  }

  #onClose(): void {
    if (--this.#open === 0) return this.#listener.onEnd();
    // One side broke: so does the other, unless the network would not tell.
    if (this.#streams.requests.isSwallowing) return;
    if (this.#near.destroyed && this.#near.errored) this.#far.destroy();
    else if (this.#far.destroyed) this.#streams.replies.finish();
    else this.#streams.requests.finish();
  }
}

/** The bytes of one direction. */
class ByteStream {
  readonly #to: Socket;
  readonly #chunkSize: () => number;
  #queue: Uint8Array[] = [];
  #isHeld = false;
  #isEnding = false;
  #isTurnSet = false;
  isSwallowing = false;
  tap: Tap | undefined;

  constructor(from: Socket, to: Socket, chunkSize: () => number) {
    this.#to = to;
    this.#chunkSize = chunkSize;
    from.on("data", (bytes: Uint8Array) => (this.tap ?? this).push(bytes));
    from.on("end", () => this.finish());
  }

  /** All has come that will. */
  finish(): void {
    if (this.tap === undefined) this.endAfterQueue();
    else this.tap.end();
  }

  end(): void {
    this.endAfterQueue();
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#flush();
  }

  swallow(): void {
    this.isSwallowing = true;
    this.#queue = [];
  }

  endAfterQueue(): void {
    if (this.#isEnding || this.isSwallowing) return;
    this.#isEnding = true;
    this.#flush();
  }

  push(bytes: Uint8Array): void {
    if (this.isSwallowing) return;
    this.#queue.push(bytes);
    this.#flush();
  }

  #flush(): void {
    if (this.#isHeld || this.#isTurnSet || this.isSwallowing) return;
    const size = this.#chunkSize();
    for (let head = this.#queue.shift(); head; head = this.#queue.shift()) {
      this.#to.write(head.subarray(0, Math.min(size, head.length)));
      if (head.length <= size) continue;
      this.#queue.unshift(head.subarray(size));
      return this.#flushNextTurn();
    }
    if (this.#isEnding) this.#to.end();
  }

  #flushNextTurn(): void {
    this.#isTurnSet = true;
    setTimeout(() => {
      this.#isTurnSet = false;
      this.#flush();
    }, 0);
  }
}
