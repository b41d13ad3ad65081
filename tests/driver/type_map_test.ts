import { TypeMap } from "../../src/driver/type_map.ts";
import { assertEquals } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";

Deno.test("TypeMap lets one look the types up, and makes the others wait until they are known", async () => {
  const types = new TypeMap(true);
  const [first, second, third] = threeSessions();
  assertEquals([types.isKnown, await types.claim(first)], [false, true]);
  const others = [types.claim(second), types.claim(third)];
  types.settle(first, true);
  assertEquals(await Promise.all(others), [false, false]);
  assertEquals([types.isKnown, await types.claim(third)], [true, false]);
});

Deno.test("TypeMap lets one of those who wait look again when the look-up failed", async () => {
  const types = new TypeMap(true);
  const [first, second, third] = threeSessions();
  await types.claim(first);
  const told: boolean[] = [];
  for (const other of [second, third]) {
    void types.claim(other).then((isHis) => told.push(isHis));
  }
  types.settle(first, false);
  await nextTurn();
  assertEquals(told, [true]);
  types.settle(second, true);
  await nextTurn();
  assertEquals(told, [true, false]);
});

Deno.test("TypeMap has nobody look up types that are not wanted", async () => {
  const types = new TypeMap(false);
  const [session] = threeSessions();
  assertEquals([types.isKnown, await types.claim(session)], [true, false]);
});

Deno.test("TypeMap knows the types for good once a dial has succeeded", async () => {
  const types = new TypeMap(true);
  const [session] = threeSessions();
  await types.claim(session);
  types.settle(session, true);
  types.settle(session, false);
  assertEquals(types.isKnown, true);
});

Deno.test("TypeMap leaves the claim of another alone", async () => {
  const types = new TypeMap(true);
  const [session, other] = threeSessions();
  await types.claim(session);
  types.settle(other, true);
  assertEquals(types.isKnown, false);
});

Deno.test("TypeMap passes over who is lost when his turn comes", async () => {
  const types = new TypeMap(true);
  const [first, late, last] = threeSessions();
  await types.claim(first);
  const claims = [types.claim(late), types.claim(last)];
  late.isLost = true;
  types.settle(late, false);
  types.settle(first, false);
  assertEquals(await Promise.all(claims), [false, true]);
});

interface FakeSession {
  isLost: boolean;
}

function threeSessions(): [FakeSession, FakeSession, FakeSession] {
  return [{ isLost: false }, { isLost: false }, { isLost: false }];
}
