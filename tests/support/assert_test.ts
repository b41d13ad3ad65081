import {
  assert,
  assertEquals,
  assertExists,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
  fail,
} from "./assert.ts";

Deno.test("assert(), assertExists() and assertInstanceOf() narrow", () => {
  const found: string | undefined = ["a"].at(0);
  assertExists(found);
  const length: number = found.length;
  assert(length === 1);
  const one: 1 = length;
  assertStrictEquals(one, 1);
  const thrown: unknown = new RangeError("No");
  assertInstanceOf(thrown, RangeError);
  assertEquals(thrown.message, "No");
});

Deno.test("assertThrows() and assertRejects() answer the error, typed by its class", async () => {
  const thrown: RangeError = assertThrows(() => {
    throw new RangeError("Too far");
  }, RangeError);
  assertEquals(thrown.message, "Too far");
  const rejected: TypeError = await assertRejects(
    () => Promise.reject(new TypeError("Not that")),
    TypeError,
    "that",
  );
  assertEquals(rejected.message, "Not that");
});

Deno.test("every assertion fails when what it asserts is not so", () => {
  assertThrows(() => assert(false));
  assertThrows(() => assertEquals({ a: 1 }, { a: 2 }));
  assertThrows(() => assertExists(null));
  assertThrows(() => assertInstanceOf("text", Error));
  assertThrows(() => assertStrictEquals(1, 2));
  assertThrows(() => assertThrows(() => undefined));
  assertThrows(() => fail("So it is"), Error, "So it is");
});
