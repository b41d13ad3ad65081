import { LookUp, TypeMap } from "../../src/driver/type_map.ts";
import { assertEquals } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";

Deno.test("TypeMap lets one look the types up, and makes the others wait until they are known", async () => {
  const types = new TypeMap(true);
  assertEquals([types.isKnown, await types.claim()], [false, true]);
  const others = [types.claim(), types.claim()];
  types.settle(true);
  assertEquals(await Promise.all(others), [false, false]);
  assertEquals([types.isKnown, await types.claim()], [true, false]);
});

Deno.test("TypeMap lets one of those who wait look again when the look-up failed", async () => {
  const types = new TypeMap(true);
  await types.claim();
  const told: boolean[] = [];
  for (let other = 0; other < 2; other++) {
    void types.claim().then((isHis) => told.push(isHis));
  }
  types.settle(false);
  await nextTurn();
  assertEquals(told, [true]);
  types.settle(true);
  await nextTurn();
  assertEquals(told, [true, false]);
});

Deno.test("TypeMap has nobody look up types that are not wanted", async () => {
  const types = new TypeMap(false);
  assertEquals([types.isKnown, await types.claim()], [true, false]);
});

Deno.test("LookUp knows the types for good once its dial has succeeded", async () => {
  const types = new TypeMap(true);
  const lookUp = new LookUp(types);
  await lookUp.claim();
  lookUp.succeed();
  lookUp.end();
  assertEquals(types.isKnown, true);
});

Deno.test("LookUp leaves the claim of another alone", async () => {
  const types = new TypeMap(true);
  const lookUp = new LookUp(types);
  const other = new LookUp(types);
  await lookUp.claim();
  other.succeed();
  other.end();
  assertEquals(types.isKnown, false);
});

Deno.test("LookUp passes a claim on that comes when its dial is over", async () => {
  const types = new TypeMap(true);
  const [first, late, last] = [1, 2, 3].map(() => new LookUp(types));
  await first!.claim();
  const claims = [late!.claim(), last!.claim()];
  late!.end();
  first!.end();
  assertEquals(await Promise.all(claims), [false, true]);
});
