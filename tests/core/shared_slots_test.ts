import { SharedSlots } from "../../src/core/shared_slots.ts";
import { Slot } from "../../src/core/slot.ts";
import { assertEquals } from "../support/assert.ts";

function slotWith(id: number, inFlight: number): Slot<never> {
  const slot = new Slot<never>(id, 0, 0);
  slot.inFlight = inFlight;
  return slot;
}

Deno.test("SharedSlots.best() answers the connection with the fewest in flight", () => {
  const shared = new SharedSlots<never>(8);
  for (const [id, inFlight] of [[1, 3], [2, 1], [3, 2]] as const) {
    shared.list(slotWith(id, inFlight));
  }
  assertEquals(shared.best(0)?.id, 2);
  assertEquals([...shared].map(({ id }) => id), [2, 3, 1]);
});

Deno.test("SharedSlots.list() moves a slot to its new depth, and lists none that is full, empty or isolated", () => {
  const shared = new SharedSlots<never>(2);
  const slot = slotWith(1, 1);
  shared.list(slot);
  shared.list(slot);
  assertEquals([...shared], [slot]);
  for (const inFlight of [2, 0]) {
    slot.inFlight = inFlight;
    shared.list(slot);
    assertEquals([[...shared].length, slot.depth], [0, -1]);
  }
  slot.inFlight = 1;
  slot.isIsolated = true;
  shared.list(slot);
  assertEquals(shared.best(0), undefined);
});

Deno.test("SharedSlots.unlist() may be called for a slot that is not listed", () => {
  const shared = new SharedSlots<never>(2);
  const slot = slotWith(1, 1);
  shared.unlist(slot);
  shared.list(slot);
  shared.unlist(slot);
  shared.unlist(slot);
  assertEquals([...shared], []);
});

Deno.test("SharedSlots.best() passes a stalled connection until it answers", () => {
  const shared = new SharedSlots<never>(8);
  const [stalled, well] = [slotWith(1, 1), slotWith(2, 3)];
  well.headSince = 100;
  shared.list(stalled);
  shared.list(well);
  assertEquals(shared.best(4)?.id, 1);
  assertEquals(shared.best(100)?.id, 2);
  shared.observe(stalled, 101);
  shared.list(stalled);
  assertEquals(shared.best(101)?.id, 1);
});

Deno.test("SharedSlots.best() fills connections less deep while most of the time goes into stalls", () => {
  const shared = new SharedSlots<never>(8);
  const slot = slotWith(1, 1);
  shared.list(slot);
  assertEquals([shared.depth, shared.best(0)?.id], [8, 1]);
  let now = 0;
  for (let round = 0; round < 200; round++) shared.observe(slot, now += 1);
  assertEquals(shared.depth, 8);
  // One in ten takes as long as twenty others.
  for (let round = 0; round < 400; round++) {
    shared.observe(slot, now += round % 10 === 0 ? 20 : 1);
  }
  assertEquals([shared.depth, shared.best(now)], [1, undefined]);
});
