import { Deadlines } from "../../src/core/deadlines.ts";
import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { Random } from "../simulation/random.ts";

Deno.test("Deadlines.takeDue() answers the earliest first, and none before its time", () => {
  const deadlines = new Deadlines<string>();
  for (const at of [30, 10, 20]) deadlines.add(at, `at ${at}`);
  assertEquals(deadlines.next, 10);
  assertStrictEquals(deadlines.takeDue(9), undefined);
  assertEquals(deadlines.takeDue(25), "at 10");
  assertEquals(deadlines.takeDue(25), "at 20");
  assertStrictEquals(deadlines.takeDue(25), undefined);
  assertEquals(deadlines.next, 30);
});

Deno.test("Deadlines.add() keeps nothing for what is never due", () => {
  const deadlines = new Deadlines<string>();
  assertStrictEquals(deadlines.add(Infinity, "never"), undefined);
  assertEquals(deadlines.size, 0);
  assertEquals(deadlines.next, Infinity);
});

Deno.test("Deadlines.drop() forgets one, any number of times, also one that was due", () => {
  const deadlines = new Deadlines<string>();
  const first = deadlines.add(1, "first");
  const second = deadlines.add(2, "second");
  deadlines.drop(first);
  deadlines.drop(first);
  deadlines.drop(undefined);
  assertEquals([deadlines.size, deadlines.next], [1, 2]);
  assertEquals(deadlines.takeDue(2), "second");
  deadlines.drop(second);
  assertEquals([deadlines.size, deadlines.next], [0, Infinity]);
});

Deno.test("Deadlines stay in order whatever is added and dropped", () => {
  const random = new Random(7);
  const deadlines = new Deadlines<number>();
  const added = Array.from({ length: 2_000 }, (_, owner) => {
    const at = random.below(1_000);
    return { owner, at, entry: deadlines.add(at, owner) };
  });
  // Most of them go, so that the heap is rebuilt on the way.
  const kept = added.filter(({ entry }) => {
    const isDropped = random.chance(0.8);
    if (isDropped) deadlines.drop(entry);
    return !isDropped;
  });
  assertEquals(deadlines.size, kept.length);
  const times: number[] = [];
  for (let now = 0; now < 1_000; now++) {
    for (;;) {
      const owner = deadlines.takeDue(now);
      if (owner === undefined) break;
      times.push(added[owner]!.at);
      assertEquals(added[owner]!.at, now);
    }
  }
  assertEquals(times, kept.map(({ at }) => at).sort((a, b) => a - b));
  assertEquals(deadlines.size, 0);
});
