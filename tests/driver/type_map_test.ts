import { TypeMap } from "../../src/driver/type_map.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("TypeMap lets one look the types up, and makes the others wait", async () => {
  const types = new TypeMap(true);
  assertEquals(types.claim(), true);
  assertEquals(types.claim(), false);
  const others = [types.ready(), types.ready()];
  types.settle(true);
  assertEquals(await Promise.all(others), [true, true]);
});

Deno.test("TypeMap knows the types for good once they were looked up", async () => {
  const types = new TypeMap(true);
  types.claim();
  types.settle(true);
  assertEquals(types.claim(), false);
  assertEquals(await types.ready(), true);
});

Deno.test("TypeMap tells those who wait when the look-up failed, and lets one of them try", async () => {
  const types = new TypeMap(true);
  types.claim();
  const other = types.ready();
  types.settle(false);
  assertEquals(await other, false);
  assertEquals(await types.ready(), false);
  assertEquals(types.claim(), true);
  assertEquals(types.claim(), false);
});

Deno.test("TypeMap takes the first word on a claim", async () => {
  const types = new TypeMap(true);
  types.claim();
  types.settle(true);
  types.settle(false);
  assertEquals(await types.ready(), true);
});

Deno.test("TypeMap has nobody look up types that are not wanted", async () => {
  const types = new TypeMap(false);
  assertEquals(types.claim(), false);
  assertEquals(await types.ready(), true);
});
