import { assertEquals } from "../support/assert.ts";
import { Overload } from "../../src/core/overload.ts";

const LIMITS = { targetMs: 10, intervalMs: 100 };

Deno.test("Overload.sheds() bears any wait until an interval had only long ones", () => {
  const overload = new Overload(LIMITS);
  assertEquals(overload.sheds(500, 0), false);
  assertEquals(overload.sheds(500, 99), false);
  // Here the next interval begins: its first is still served.
  assertEquals(overload.sheds(500, 100), false);
  assertEquals(overload.sheds(21, 101), true);
  assertEquals(overload.sheds(20, 102), false);
});

Deno.test("Overload.sheds() is over an interval after one short wait", () => {
  const overload = new Overload(LIMITS);
  overload.sheds(500, 0);
  overload.sheds(500, 100);
  assertEquals(overload.sheds(500, 101), true);
  assertEquals(overload.sheds(10, 102), false);
  assertEquals(overload.sheds(500, 103), true);
  assertEquals(overload.sheds(500, 200), false);
  assertEquals(overload.sheds(500, 201), false);
});

Deno.test("Overload.rest() counts as the shortest wait there is", () => {
  const overload = new Overload(LIMITS);
  overload.sheds(500, 0);
  overload.rest(50);
  overload.sheds(500, 100);
  assertEquals(overload.sheds(500, 101), false);
});

Deno.test("Overload.poll() sheds a queue that stands although nothing is granted", () => {
  const overload = new Overload(LIMITS);
  const head = {};
  overload.sheds(0, 0);
  overload.watch(0, head);
  assertEquals(overload.nextPoll, 100);
  // The interval before had a short wait: what stands now has an interval more.
  assertEquals(overload.poll(head, 100, 100), Infinity);
  assertEquals(overload.poll(head, 200, 200), 20);
});

Deno.test("Overload.poll() bears a queue that moves", () => {
  const overload = new Overload(LIMITS);
  overload.sheds(0, 0);
  overload.watch(0, {});
  assertEquals(overload.poll({}, 100, 100), Infinity);
  assertEquals(overload.poll({}, 100, 200), Infinity);
  assertEquals(overload.poll({}, 100, 300), Infinity);
});

Deno.test("Overload.unwatch() ends the polling", () => {
  const overload = new Overload(LIMITS);
  overload.watch(0, {});
  overload.unwatch();
  assertEquals(overload.nextPoll, Infinity);
});
