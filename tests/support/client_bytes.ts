/** What is in the messages of a client. */
import type { Value } from "./fake_replies.ts";

const decoder = new TextDecoder();

/** What stands before each zero byte. */
export function strings(body: Uint8Array): string[] {
  return decoder.decode(body).split("\0").slice(0, -1);
}

/** The parameters of a `Bind`, whose names end at `start`. */
export function readParameters(body: Uint8Array, start: number): Value[] {
  const view = new DataView(body.buffer, body.byteOffset);
  let at = start + 2 + 2 * view.getInt16(start);
  const count = view.getInt16(at);
  at += 2;
  return Array.from({ length: count }, () => {
    const length = view.getInt32(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return decoder.decode(body.subarray(at - length, at));
  });
}
