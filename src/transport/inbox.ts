/**
 * What a plain socket reads into.
 *
 * @module
 */

import { Buffer } from "node:buffer";

import type { SocketListener } from "./transport.ts";

type Reader = Pick<SocketListener, "onData">;

// Many short replies share the first, and whoever keeps a part of one keeps all
// of it alive; a long one gets the second for itself.
const SMALL_BYTES = 4 * 1024;
const LARGE_BYTES = 64 * 1024;

// With less left than this, a read would be cut short too often.
const LEAST_BYTES = 512;

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
      this.#renew(this.#isFull ? LARGE_BYTES : SMALL_BYTES);
    }
    return this.#bytes.subarray(this.#used);
  };

  /** So many bytes were read into it; answers whether to read on. */
  readonly receive = (length: number): boolean => {
    const bytes = this.#take(length);
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

  #take(length: number): Buffer {
    const start = this.#used;
    this.#used += length;
    this.#isFull = this.#used === this.#bytes.length;
    const bytes = this.#bytes.subarray(start, this.#used);
    const isShort = length < SMALL_BYTES;
    if (!isShort || this.#bytes.length === SMALL_BYTES) return bytes;
    // The long reply is over: whoever keeps this one is not to keep all of that.
    this.#renew(SMALL_BYTES);
    return Buffer.from(bytes);
  }

  #renew(length: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(length);
    this.#used = 0;
  }
}
