import { IdleStack } from "../../src/core/idle_stack.ts";
import { Slot } from "../../src/core/slot.ts";
import { assertEquals } from "../support/assert.ts";

function slots(): [Slot<never>, Slot<never>, Slot<never>] {
  return [new Slot(1, 0, 0), new Slot(2, 0, 0), new Slot(3, 0, 0)];
}

function ids(stack: IdleStack<never>): number[] {
  const found = [...stack].map(({ id }) => id);
  assertEquals(stack.size, found.length);
  assertEquals(stack.bottom?.id, found[0]);
  assertEquals(stack.top?.id, found.at(-1));
  return found;
}

Deno.test("IdleStack.top is the last in, and bottom the first in", () => {
  const stack = new IdleStack<never>();
  assertEquals(ids(stack), []);
  for (const slot of slots()) stack.push(slot);
  assertEquals(ids(stack), [1, 2, 3]);
});

Deno.test("IdleStack.remove() takes a slot from anywhere, and leaves no link behind", () => {
  const all = slots();
  for (const leaving of all) {
    const stack = new IdleStack<never>();
    for (const slot of all) stack.push(slot);
    stack.remove(leaving);
    assertEquals([leaving.before, leaving.after], [undefined, undefined]);
    assertEquals(ids(stack), [1, 2, 3].filter((id) => id !== leaving.id));
    stack.push(leaving);
    assertEquals(stack.top, leaving);
    for (const slot of all) stack.remove(slot);
    assertEquals(ids(stack), []);
  }
});
