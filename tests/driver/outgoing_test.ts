import { Outgoing } from "../../src/driver/outgoing.ts";
import { assertEquals, assertStrictEquals } from "../support/assert.ts";

/** Messages without a body, of these codes. */
function messages(codes: string): Uint8Array {
  return Uint8Array.from(
    [...codes].flatMap((code) => [code.charCodeAt(0), 0, 0, 0, 4]),
  );
}

function outgoing() {
  const told = { bareSyncs: 0 };
  const filter = new Outgoing(() => told.bareSyncs++);
  const sent = (codes: string) =>
    [...filter.filter(messages(codes))]
      .filter((_, at) => at % 5 === 0)
      .map((code) => String.fromCharCode(code)).join("");
  return { filter, sent, told };
}

Deno.test("Outgoing sends what statements consist of as it is", () => {
  const { filter, told } = outgoing();
  const forms = ["PDH", "BES", "Q", "PDBES", "BE", "E", "CS", "Qddc", "p"];
  for (const codes of forms) {
    const bytes = messages(codes);
    assertStrictEquals(filter.filter(bytes), bytes, codes);
  }
  assertEquals(told.bareSyncs, 0);
});

Deno.test("Outgoing leaves out a Sync that ends nothing", () => {
  const { sent } = outgoing();
  assertEquals(sent("S"), "");
  assertEquals(sent("PDBES"), "PDBES");
  assertEquals(sent("S"), "");
  assertEquals(sent("SBES"), "BES");
  assertEquals(sent("QS"), "Q");
  assertEquals(sent("BESSBES"), "BESBES");
});

Deno.test("Outgoing sends one Sync in the place of a statement, and tells of it", () => {
  const { filter, sent, told } = outgoing();
  filter.expectBareSync();
  assertEquals(told.bareSyncs, 0);
  assertEquals(sent("SS"), "S");
  assertEquals(told.bareSyncs, 1);
  assertEquals(sent("S"), "");
  assertEquals(told.bareSyncs, 1);
});

Deno.test("Outgoing leaves out that a COPY failed which had ended", () => {
  const { sent } = outgoing();
  assertEquals(sent("Qdc"), "Qdc");
  assertEquals(sent("Q"), "Q");
  assertEquals(sent("f"), "");
  assertEquals(sent("df"), "df");
});

Deno.test("Outgoing does not read a start-up message", () => {
  const { filter } = outgoing();
  const bytes = Uint8Array.of(0, 0, 0, 8, 0x53, 0, 0, 4);
  assertStrictEquals(filter.filter(bytes), bytes);
});
