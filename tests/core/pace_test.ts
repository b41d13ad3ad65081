import { Pace } from "../../src/core/pace.ts";
import { assert, assertEquals } from "../support/assert.ts";

function paceAfter(count: number, msOf: (round: number) => number): Pace {
  const pace = new Pace();
  for (let round = 0; round < count; round++) pace.observe(msOf(round));
  return pace;
}

Deno.test("Pace.patienceMs goes by the median, which a few slow answers do not move", () => {
  const { patienceMs } = paceAfter(1_000, (round) => round % 20 ? 10 : 1_000);
  assert(patienceMs > 33 && patienceMs < 49, `${patienceMs}`);
});

Deno.test("Pace.patienceMs has a floor, and grows with what is typical", () => {
  const { patienceMs } = paceAfter(1_000, () => 0);
  assert(patienceMs > 1 && patienceMs < 1.5, `${patienceMs}`);
  assert(paceAfter(1_000, () => 10).patienceMs > 30);
});

Deno.test("Pace.depth is whole at first, and as long as answers take alike", () => {
  assertEquals(new Pace().depth, 1);
  assertEquals(paceAfter(1_000, (round) => 1 + round % 3).depth, 1);
});

Deno.test("Pace.depth is none once half of the time goes into stalls, and whole again after them", () => {
  const pace = paceAfter(1_000, (round) => round % 10 ? 1 : 20);
  assertEquals(pace.depth, 0);
  for (let round = 0; round < 2_000; round++) pace.observe(1);
  assert(pace.depth > 0.99, `${pace.depth}`);
});

Deno.test("Pace.depth is not lost by a single answer, however long it took", () => {
  const pace = paceAfter(1_000, () => 1);
  pace.observe(60_000);
  assert(pace.depth > 0.5, `${pace.depth}`);
});

Deno.test("Pace.depth falls with the share of the time that stalls take", () => {
  const rare = paceAfter(4_000, (round) => round % 200 ? 1 : 20).depth;
  const rarer = paceAfter(4_000, (round) => round % 1_000 ? 1 : 20).depth;
  assert(0 < rare && rare < rarer && rarer < 1, `${rare}, ${rarer}`);
});
