/**
 * What a plain socket reads into.
 *
 * @module
 */

import { Buffer } from "node:buffer";

import type { SocketListener } from "./transport.ts";

type Reader = Pick<SocketListener, "onData">;

// Many short replies fit into the first; a long one soon gets the second.
const SMALL_BYTES = 8 * 1024;
const LARGE_BYTES = 64 * 1024;

// With less left than this, a read would be cut short too often.
const LEAST_BYTES = 1024;

/**
 * What a socket of node reads into (`onread`), and hands on to a listener.
 *
 * Nothing is written over, because what was read may be kept. A stream of node
 * would take 64 KB for each read, however short, and give most of it back.
 */
export class Inbox {
  #listener: Reader | undefined;
  #bytes = Buffer.allocUnsafeSlow(SMALL_BYTES);
  #used = 0;
  #isFull = false;
  /** What came before there was a listener; reading stops there. */
  #early: Buffer | undefined;

  /** The memory for the next read; asked for before each. */
  readonly room = (): Uint8Array => {
    if (this.#bytes.length - this.#used < LEAST_BYTES) {
      this.#bytes = Buffer.allocUnsafeSlow(
        this.#isFull ? LARGE_BYTES : SMALL_BYTES,
      );
      this.#used = 0;
    }
    return this.#bytes.subarray(this.#used);
  };

  /** So many bytes were read into it; answers whether to read on. */
  readonly receive = (length: number): boolean => {
    const start = this.#used;
    this.#used += length;
    this.#isFull = this.#used === this.#bytes.length;
    const bytes = this.#bytes.subarray(start, this.#used);
    if (this.#listener === undefined) this.#early = bytes;
    else this.#listener.onData(bytes);
    return this.#listener !== undefined;
  };

  /** Tells `listener` of what comes, and at once of what came before; then reading may go on. */
  open(listener: Reader): void {
    this.#listener = listener;
    if (this.#early !== undefined) listener.onData(this.#early);
    this.#early = undefined;
  }
}
