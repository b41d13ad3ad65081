import { Waiter, WaitQueue } from "../../src/core/wait_queue.ts";
import { assertEquals } from "../support/assert.ts";

function waiters(count: number): Waiter[] {
  return Array.from({ length: count }, (_, index) => {
    const waiter = new Waiter("lease", 0, Infinity);
    waiter.turn = index + 1;
    return waiter;
  });
}

function queueOf(...waiters: Waiter[]): WaitQueue {
  const queue = new WaitQueue();
  for (const waiter of waiters) queue.push(waiter);
  return queue;
}

function turns(queue: WaitQueue): number[] {
  const forwards = [...queue];
  assertEquals(queue.length, forwards.length);
  assertEquals(queue.head, forwards[0]);
  const backwards: Waiter[] = [];
  for (let at = forwards.at(-1); at !== undefined; at = at.before) {
    backwards.unshift(at);
  }
  assertEquals(backwards.length, forwards.length);
  return forwards.map(({ turn }) => turn);
}

Deno.test("WaitQueue.push() queues in order of arrival", () => {
  assertEquals(turns(queueOf(...waiters(3))), [1, 2, 3]);
});

Deno.test("WaitQueue.remove() takes a waiter from the front, the middle and the end", () => {
  const [a, b, c, d, e] = waiters(5) as [
    Waiter,
    Waiter,
    Waiter,
    Waiter,
    Waiter,
  ];
  const queue = queueOf(a, b, c, d, e);
  queue.remove(c);
  assertEquals(turns(queue), [1, 2, 4, 5]);
  queue.remove(a);
  queue.remove(e);
  assertEquals(turns(queue), [2, 4]);
  queue.remove(b);
  queue.remove(d);
  assertEquals(turns(queue), []);
  queue.push(c);
  assertEquals(turns(queue), [3]);
});

Deno.test("WaitQueue.putBack() puts one without a turn in front", () => {
  const [a] = waiters(1) as [Waiter];
  const queue = queueOf(a);
  const [second, first] = [
    new Waiter("share", 0, 9),
    new Waiter("share", 0, 9),
  ];
  queue.putBack(second);
  queue.putBack(first);
  assertEquals([...queue], [first, second, a]);
});

Deno.test("WaitQueue.putBack() restores the order of arrival", () => {
  const [a, b, c, d, e] = waiters(5) as [
    Waiter,
    Waiter,
    Waiter,
    Waiter,
    Waiter,
  ];
  const queue = queueOf(d);
  for (const waiter of [a, b, e, c]) queue.putBack(waiter);
  assertEquals(turns(queue), [1, 2, 3, 4, 5]);
});
