import { Waiter } from "../../src/core/wait_queue.ts";
import { WaiterDeadlines } from "../../src/core/waiter_deadlines.ts";
import { assertEquals } from "../support/assert.ts";

function waiterUntil(deadline: number): Waiter {
  return new Waiter("lease", 0, deadline);
}

function watch(...times: readonly number[]) {
  const deadlines = new WaiterDeadlines();
  const waiters = times.map(waiterUntil);
  for (const waiter of waiters) deadlines.add(waiter);
  return { deadlines, waiters };
}

/** All that are due at `now`, by their deadlines, in the order they are taken. */
function takeAll(deadlines: WaiterDeadlines, now: number): number[] {
  const taken: number[] = [];
  for (;;) {
    const waiter = deadlines.takeDue(now);
    if (waiter === undefined) return taken;
    taken.push(waiter.deadline);
  }
}

Deno.test("WaiterDeadlines takes the earliest first, in whatever order they came", () => {
  const { deadlines } = watch(30, 10, 40, 20, 40, 50);
  assertEquals([deadlines.next, deadlines.size], [10, 6]);
  assertEquals(takeAll(deadlines, 9), []);
  assertEquals(takeAll(deadlines, 40), [10, 20, 30, 40, 40]);
  assertEquals([deadlines.next, deadlines.size], [50, 1]);
});

Deno.test("WaiterDeadlines never takes who has no deadline", () => {
  const { deadlines } = watch(Infinity, 10, Infinity);
  assertEquals(deadlines.size, 1);
  assertEquals(takeAll(deadlines, Number.MAX_VALUE), [10]);
  assertEquals(deadlines.next, Infinity);
});

Deno.test("WaiterDeadlines forgets a waiter wherever it stands, and any number of times", () => {
  const times = [10, 20, 15, 30, 5];
  for (const index of times.keys()) {
    const { deadlines, waiters } = watch(...times);
    deadlines.drop(waiters[index]!);
    deadlines.drop(waiters[index]!);
    assertEquals(deadlines.size, 4);
    const left = times.toSpliced(index, 1).toSorted((a, b) => a - b);
    assertEquals(takeAll(deadlines, 30), left);
  }
});

Deno.test("WaiterDeadlines watches a waiter anew that was forgotten", () => {
  const { deadlines, waiters } = watch(10, 20, 15);
  for (const waiter of waiters) deadlines.drop(waiter);
  assertEquals([deadlines.next, deadlines.size], [Infinity, 0]);
  for (const waiter of waiters.toReversed()) deadlines.add(waiter);
  assertEquals(takeAll(deadlines, 20), [10, 15, 20]);
});
