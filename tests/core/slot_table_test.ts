import { SlotTable } from "../../src/core/slot_table.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("SlotTable.move() counts a slot in the state it is in", () => {
  const table = new SlotTable<never>();
  const slot = table.create(0, 0);
  assertEquals(table.counts.connecting, 1);
  table.move(slot, "idle");
  assertEquals([table.counts.connecting, table.counts.idle], [0, 1]);
  table.move(slot, "idle");
  assertEquals(table.counts.idle, 1);
});

Deno.test("SlotTable.total counts all, live those not closing, open those connected", () => {
  const table = new SlotTable<never>();
  table.create(0, 0);
  table.move(table.create(0, 0), "leased");
  const closing = table.create(0, 0);
  table.move(closing, "closing");
  assertEquals([table.total, table.live, table.open], [3, 2, 1]);
  table.move(closing, "closed");
  assertEquals([table.total, table.live, table.open], [2, 2, 1]);
});

Deno.test("SlotTable.create() gives each slot an id of its own, in order", () => {
  const table = new SlotTable<never>();
  const first = table.create(0, 0);
  table.move(first, "closed");
  table.create(4, 7);
  table.create(4, 8);
  const slots = [...table].map((slot) => [slot.id, slot.generation]);
  assertEquals(slots, [[2, 4], [3, 4]]);
});
