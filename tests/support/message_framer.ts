/** Where PostgreSQL's messages begin and end in a stream of bytes, however it is cut. */

/** A stretch of bytes that belongs to one message. */
export interface Segment {
  /** The message's letter; `startup`, `ssl`, `cancel` or `gss` for those without. */
  readonly message: string;
  readonly bytes: Uint8Array;
  readonly isStart: boolean;
  readonly isEnd: boolean;
}

const UNNAMED: Readonly<Record<number, string | undefined>> = {
  80877102: "cancel",
  80877103: "ssl",
  80877104: "gss",
};

// A request for encryption is answered by one letter, without a length.
const ENCRYPTION_ANSWERS = "NSG";

/** Follows one direction of one connection. */
export class MessageFramer {
  readonly #isUp: boolean;
  /** No letter yet: what begins a connection has none. */
  #isUnnamed: boolean;
  #isEncryptionAsked = false;
  #message = "";
  #left = 0;
  #head: Uint8Array = new Uint8Array(0);

  constructor(direction: "up" | "down") {
    this.#isUp = direction === "up";
    this.#isUnnamed = this.#isUp;
  }

  /** The other direction asked for encryption: a letter alone comes next. */
  expectEncryptionAnswer(): void {
    this.#isEncryptionAsked = true;
  }

  /** Cuts what came at the ends of messages; keeps back a head that is not whole. */
  split(came: Uint8Array): Segment[] {
    const segments: Segment[] = [];
    let bytes = joined(this.#head, came);
    while (bytes.length > 0) {
      const isStart = this.#left === 0;
      if (isStart && !this.#begin(bytes)) break;
      const length = Math.min(this.#left, bytes.length);
      this.#left -= length;
      segments.push({
        message: this.#message,
        bytes: bytes.subarray(0, length),
        isStart,
        isEnd: this.#left === 0,
      });
      bytes = bytes.subarray(length);
    }
    this.#head = bytes;
    return segments;
  }

  /** Reads a head; `false` when it is not all there. */
  #begin(bytes: Uint8Array): boolean {
    const letter = String.fromCharCode(bytes[0]!);
    if (this.#isEncryptionAsked && ENCRYPTION_ANSWERS.includes(letter)) {
      this.#isEncryptionAsked = false;
      this.#message = "ssl";
      this.#left = 1;
      return true;
    }
    if (bytes.length < (this.#isUnnamed ? 8 : 5)) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (this.#isUnnamed) {
      this.#message = UNNAMED[view.getInt32(4)] ?? "startup";
      this.#left = view.getInt32(0);
      this.#isUnnamed = this.#message === "ssl" || this.#message === "gss";
    } else {
      this.#message = letter;
      this.#left = 1 + view.getInt32(1);
    }
    // No protocol of ours: one message without an end.
    if (this.#left < 5) this.#left = Infinity;
    return true;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
