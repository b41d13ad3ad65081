import {
  type Queued,
  StatementQueue,
} from "../../src/driver/statement_queue.ts";
import { assertEquals } from "../support/assert.ts";

class Item implements Queued<Item> {
  next: Item | undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function queueOf(...names: readonly string[]): StatementQueue<Item> {
  const queue = new StatementQueue<Item>();
  for (const name of names) queue.push(new Item(name));
  return queue;
}

function namesIn(queue: Iterable<Item>): string[] {
  return [...queue].map(({ name }) => name);
}

Deno.test("StatementQueue answers first what came first, and nothing once it is empty", () => {
  const queue = queueOf("a", "b");
  assertEquals([queue.length, queue.head?.name], [2, "a"]);
  assertEquals(queue.shift()?.name, "a");
  queue.push(new Item("c"));
  assertEquals([queue.shift()?.name, queue.shift()?.name], ["b", "c"]);
  assertEquals([queue.shift(), queue.head, queue.length], [
    undefined,
    undefined,
    0,
  ]);
});

Deno.test("StatementQueue takes one out wherever it stands, and goes on behind it", () => {
  for (const name of ["a", "b", "c"]) {
    const queue = queueOf("a", "b", "c");
    const item = [...queue].find((item) => item.name === name)!;
    queue.remove(item);
    queue.push(new Item("d"));
    const rest = ["a", "b", "c"].filter((other) => other !== name);
    assertEquals(namesIn(queue), [...rest, "d"]);
    assertEquals([queue.length, item.next], [3, undefined]);
  }
});

Deno.test("StatementQueue stays as it is when one is to be taken out that is not in it", () => {
  const queue = queueOf("a", "b");
  queue.remove(new Item("c"));
  assertEquals([namesIn(queue), queue.length], [["a", "b"], 2]);
});

Deno.test("StatementQueue puts others before its own, in their order", () => {
  const queue = queueOf("c", "d");
  queue.putBefore([new Item("a"), new Item("b")]);
  assertEquals(namesIn(queue), ["a", "b", "c", "d"]);
  assertEquals(queue.length, 4);
});

Deno.test("StatementQueue is empty, and its own unlinked, once all were taken out", () => {
  const queue = queueOf("a", "b");
  const all = queue.takeAll();
  assertEquals(namesIn(all), ["a", "b"]);
  assertEquals(all.map(({ next }) => next), [undefined, undefined]);
  assertEquals([queue.length, queue.head], [0, undefined]);
});

Deno.test("StatementQueue asks each, and of none says yes", () => {
  const queue = queueOf("a", "b");
  assertEquals(queue.every(({ name }) => name < "c"), true);
  assertEquals(queue.every(({ name }) => name < "b"), false);
  assertEquals(queueOf().every(() => false), true);
});
