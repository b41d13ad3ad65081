import { Savepoints } from "../src/brackets.ts";
import { assertEquals } from "./support/assert.ts";

Deno.test("Savepoints.undo() undoes those that were made after one, and none before", () => {
  const savepoints = new Savepoints();
  const [first, second, third] = ["", "", ""].map((label) =>
    savepoints.make(label)
  );
  savepoints.undo(second!);
  const open = [first, second, third].map((one) => savepoints.has(one!));
  assertEquals(open, [true, false, false]);
});

Deno.test("Savepoints.undo() and keep() leave others alone when one was undone before", () => {
  const savepoints = new Savepoints();
  const outer = savepoints.make("");
  const inner = savepoints.make("");
  savepoints.undo(inner);
  savepoints.undo(inner);
  savepoints.keep(inner);
  assertEquals(savepoints.has(outer), true);
});

Deno.test("Savepoints.isLast() tells whether one can be released", () => {
  const savepoints = new Savepoints();
  const first = savepoints.make("");
  const second = savepoints.make("");
  assertEquals(savepoints.isLast(first), false);
  savepoints.keep(second);
  assertEquals(savepoints.isLast(first), true);
});

Deno.test("Savepoints.make() gives no two savepoints one name, whatever their labels", () => {
  const savepoints = new Savepoints();
  const made = ["a", "a", 'a" ; drop', ""].map((label) =>
    savepoints.make(label).begin
  );
  assertEquals(made, [
    'savepoint "s0_a"',
    'savepoint "s1_a"',
    'savepoint "s2_a"" ; drop"',
    'savepoint "s3"',
  ]);
});
