/** One direction of a connection through a fault proxy: late, slow, sliced, limited, or lost. */
import { MessageFramer } from "./message_framer.ts";
import type { Outlet, Tap } from "./proxy_link.ts";

/** `up` is to the server, `down` from it, as Toxiproxy has them. */
export type FaultDirection = "up" | "down";

/**
 * A point in what one connection says: before a byte, or at a message. Both are
 * counted from when the fault was added, or the connection made.
 */
export interface FaultPoint {
  readonly direction: FaultDirection;
  /** Behind so many bytes. */
  readonly byte?: number;
  /** A letter, or `startup`, `ssl`, `cancel`. */
  readonly message?: string;
  /** Which of them; the first unless told. */
  readonly nth?: number;
  /** Before its first byte unless told. */
  readonly edge?: "before" | "after";
}

/** What is to be done once a stream is at a point. */
export interface Ambush {
  readonly at: FaultPoint;
  spring(): void;
}

/** An ambush in this stream: its point counted from the stream's beginning. */
interface Laid {
  readonly byte: number | undefined;
  readonly nth: number;
}

interface Item {
  /** Bytes to pass on, something to do in their midst, or the end. */
  what: Uint8Array | (() => void) | "end";
  readonly arrivedAt: number;
}

/** What came and has not been passed on yet, in order. */
export class FaultStream implements Tap {
  latencyMs = 0;
  closeDelayMs = 0;
  bytesPerMs = Infinity;
  sliceSize = Infinity;
  /** How many more bytes pass before the line is cut. */
  limit = Infinity;
  onLimit: () => void = () => {};
  onSslAsked: () => void = () => {};
  readonly framer: MessageFramer;
  readonly #isUp: boolean;
  readonly #outlet: Outlet;
  readonly #ambushes = new Map<Ambush, Laid>();
  readonly #queue: Item[] = [];
  readonly #counts = new Map<string, number>();
  #position = 0;
  #isPaused = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDuplicating = false;
  #copy: Uint8Array[] | undefined;

  constructor(direction: FaultDirection, outlet: Outlet) {
    this.#isUp = direction === "up";
    this.#outlet = outlet;
    this.framer = new MessageFramer(direction);
  }

  /** How many bytes came. */
  get position(): number {
    return this.#position;
  }

  /** Does something once the stream is at its point. */
  lay(ambush: Ambush): void {
    const { byte, message = "", nth = 1 } = ambush.at;
    this.#ambushes.set(ambush, {
      byte: byte === undefined ? undefined : this.#position + byte,
      nth: (this.#counts.get(message) ?? 0) + nth,
    });
  }

  lift(ambush: Ambush): void {
    this.#ambushes.delete(ambush);
  }

  /** Sends the message that is next, or the rest of the one that is under way, twice. */
  duplicate(): void {
    this.#isDuplicating = true;
  }

  /** Sends what the other side never said, at once. */
  inject(bytes: Uint8Array): void {
    this.#outlet.push(bytes);
  }

  push(bytes: Uint8Array): void {
    for (const { message, bytes: part, ...edge } of this.framer.split(bytes)) {
      if (edge.isStart) this.#start(message);
      this.#take(part);
      if (edge.isEnd) this.#spring({ message, edge: "after" });
    }
    this.#run();
  }

  end(): void {
    this.#enqueue("end");
    this.#run();
  }

  /** Goes on at once with what waited: what slowed it is gone. */
  hurry(): void {
    clearTimeout(this.#timer);
    this.#isPaused = false;
    this.#run();
  }

  /** Drops what waited; the connection is gone. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#isPaused = true;
  }

  #start(message: string): void {
    this.#counts.set(message, (this.#counts.get(message) ?? 0) + 1);
    if (message === "ssl" && this.#isUp) this.onSslAsked();
    this.#spring({ message, edge: "before" });
  }

  /** Takes bytes of one message, and stops where somebody waits for a byte. */
  #take(part: Uint8Array): void {
    const end = this.#position + part.length;
    const bytes = [...this.#ambushes.values()].map((laid) => laid.byte ?? -1)
      .filter((byte) => byte >= this.#position && byte < end);
    for (const byte of new Set(bytes.toSorted((a, b) => a - b))) {
      const length = byte - this.#position;
      this.#enqueue(part.subarray(0, length));
      part = part.subarray(length);
      this.#position = byte;
      this.#spring({ byte });
    }
    this.#enqueue(part);
    this.#position = end;
  }

  #spring(
    here: { byte?: number; message?: string; edge?: "before" | "after" },
  ): void {
    const { byte, message } = here;
    for (const [ambush, laid] of this.#ambushes) {
      const { at } = ambush;
      const isHere = byte !== undefined
        ? laid.byte === byte
        : at.message === message && (at.edge ?? "before") === here.edge &&
          laid.nth === this.#counts.get(message ?? "");
      if (!isHere) continue;
      this.#ambushes.delete(ambush);
      this.#enqueue(() => ambush.spring());
    }
    if (here.edge === "after") this.#enqueue(() => this.#repeat());
  }

  #enqueue(what: Item["what"]): void {
    if (what instanceof Uint8Array && what.length === 0) return;
    this.#queue.push({ what, arrivedAt: performance.now() });
  }

  #run(): void {
    while (!this.#isPaused && this.#queue.length > 0) {
      const item = this.#queue[0]!;
      const { what } = item;
      const delayMs = what === "end"
        ? Math.max(this.latencyMs, this.closeDelayMs)
        : this.latencyMs;
      const waitMs = item.arrivedAt + delayMs - performance.now();
      // What is to be done is done when its turn comes: it may end the delay.
      if (waitMs > 0 && typeof what !== "function") return this.#pause(waitMs);
      if (what instanceof Uint8Array) this.#pass(item, what);
      else {
        this.#queue.shift();
        if (what === "end") this.#outlet.end();
        else what();
      }
    }
  }

  #pass(item: Item, bytes: Uint8Array): void {
    if (this.limit <= 0) {
      this.#queue.length = 0;
      return this.onLimit();
    }
    const size = Math.min(this.sliceSize, this.limit, bytes.length);
    const piece = bytes.subarray(0, size);
    this.limit -= size;
    if (size < bytes.length) item.what = bytes.subarray(size);
    else this.#queue.shift();
    if (this.#isDuplicating) (this.#copy ??= []).push(piece);
    this.#outlet.push(piece);
    if (this.bytesPerMs !== Infinity) this.#pause(size / this.bytesPerMs);
    // An immediate would be too soon for the other side to read in between.
    else if (this.sliceSize !== Infinity) this.#pause(0);
    else if (this.limit === 0) this.onLimit();
  }

  #repeat(): void {
    const copy = this.#copy;
    if (copy === undefined) return;
    this.#isDuplicating = false;
    this.#copy = undefined;
    for (const piece of copy) this.#outlet.push(piece);
  }

  #pause(ms: number): void {
    this.#isPaused = true;
    this.#timer = setTimeout(() => this.hurry(), ms);
  }
}
