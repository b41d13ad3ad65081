/**
 * What the driver sends, as far as the server's ends depend on it.
 *
 * @module
 */

import { concat, readInt32 } from "./bytes.ts";

const SYNC = 0x53; // S
const QUERY = 0x51; // Q
const COPY_DONE = 0x63; // c
const COPY_FAIL = 0x66; // f

// Parse, Bind, Describe, Execute, Close, Flush: they are answered, and ended by
// the next Sync.
const IS_EXTENDED = new Uint8Array(256);
for (const code of "PBDECH") IS_EXTENDED[code.charCodeAt(0)] = 1;

/**
 * Leaves out what would be answered out of turn.
 *
 * The driver sends a second `Sync` for some statements that fail, as for a
 * cursor whose transaction cannot be committed; the server would end it twice,
 * and the second end would be taken for that of the next statement. And it ends
 * each COPY to the server a second time, as failed, when another may run already.
 */
export class Outgoing {
  readonly #onBareSync: () => void;
  #isOpen = false;
  #endedCopies = 0;
  #isBareExpected = false;

  /** `onBareSync`: an end will come that has no reply before it. */
  constructor(onBareSync: () => void) {
    this.#onBareSync = onBareSync;
  }

  /** A statement could not be written: a `Sync` stands in its place. */
  expectBareSync(): void {
    this.#isBareExpected = true;
  }

  /** Answers what is to be sent of these messages; all of them, as a rule. */
  filter(bytes: Uint8Array): Uint8Array {
    // The start-up message has no code; its length begins with 0.
    if (bytes[0] === 0) return bytes;
    let kept: Uint8Array[] | undefined;
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + readInt32(bytes, at + 1);
      if (!this.#isMeant(bytes[at]!)) {
        (kept ??= []).push(bytes.subarray(from, at));
        from = end;
      }
      at = end;
    }
    return kept === undefined ? bytes : concat([...kept, bytes.subarray(from)]);
  }

  #isMeant(code: number): boolean {
    if (IS_EXTENDED[code] === 1) this.#isOpen = true;
    else if (code === SYNC) return this.#mayEnd();
    else if (code === QUERY) this.#isOpen = false;
    else if (code === COPY_DONE) this.#endedCopies++;
    else if (code === COPY_FAIL && this.#endedCopies > 0) {
      this.#endedCopies--;
      return false;
    }
    return true;
  }

  #mayEnd(): boolean {
    const isBare = !this.#isOpen;
    this.#isOpen = false;
    if (!isBare) return true;
    if (!this.#isBareExpected) return false;
    this.#isBareExpected = false;
    this.#onBareSync();
    return true;
  }
}
