import { Buffer } from "node:buffer";

import { Inbox } from "../../src/transport/inbox.ts";
import { assert, assertEquals } from "../support/assert.ts";

/** Reads `text` into the inbox, as a runtime does. */
function read(inbox: Inbox, text: string): boolean {
  const bytes = Buffer.from(text);
  inbox.room().set(bytes);
  return inbox.receive(bytes.length);
}

function opened(): { inbox: Inbox; chunks: Uint8Array[] } {
  const inbox = new Inbox();
  const chunks: Uint8Array[] = [];
  inbox.open({ onData: (bytes) => chunks.push(bytes) });
  return { inbox, chunks };
}

Deno.test("an inbox writes over nothing that it delivered", () => {
  const { inbox, chunks } = opened();
  const texts = Array.from({ length: 5_000 }, (_, index) => `reply ${index}`);
  for (const text of texts) assert(read(inbox, text));
  assertEquals(chunks.map((chunk) => chunk.toString()), texts);
});

Deno.test("an inbox delivers Buffers, which the driver calls methods of", () => {
  const { inbox, chunks } = opened();
  read(inbox, "reply");
  assert(Buffer.isBuffer(chunks[0]));
});

Deno.test("an inbox keeps what came before it was opened, and wants no more until then", () => {
  const inbox = new Inbox();
  assertEquals(read(inbox, "early"), false);
  const texts: string[] = [];
  const listener = {
    onData: (bytes: Uint8Array) => void texts.push(bytes.toString()),
  };
  inbox.open(listener);
  assertEquals(texts, ["early"]);
  assertEquals(read(inbox, "late"), true);
  inbox.open(listener);
  assertEquals(texts, ["early", "late"]);
});

Deno.test("a short reply that comes after a long one is not kept with it", () => {
  const { inbox, chunks } = opened();
  inbox.receive(inbox.room().length);
  const large = inbox.room().length;
  inbox.receive(large / 2);
  read(inbox, "short");
  const short = chunks.at(-1)!;
  assertEquals(short.toString(), "short");
  assert(short.buffer.byteLength < large, `${short.buffer.byteLength} bytes`);
  assert(inbox.room().length < large);
});

Deno.test("an inbox has little room for short replies, and more once one filled it", () => {
  const { inbox } = opened();
  const small = inbox.room().length;
  inbox.receive(small);
  const large = inbox.room().length;
  assert(large > small, `${small}, then ${large}`);
  inbox.receive(large - 10);
  assertEquals(inbox.room().length, small);
});
