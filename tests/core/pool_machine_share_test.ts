import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

Deno.test("A one-shot takes an idle connection first", () => {
  const world = new MachineWorld();
  const [a, b] = world.open(2);
  const shares = world.acquireMany(2, "share");
  assertEquals(shares.map(({ granted }) => granted), [b!, a!]);
});

Deno.test("A one-shot has one more connection opened next, and waits for it below max", () => {
  const world = new MachineWorld({ max: 3 });
  world.acquire("share");
  world.dialled();
  const second = world.acquire("share");
  assertEquals([second.outcome, world.dials.length], ["waiting", 1]);
  const slot = world.dialled();
  assertStrictEquals(second.slot, slot);
});

Deno.test("A one-shot waits for the dial that is under way for it", () => {
  const world = new MachineWorld({ max: 2 });
  const first = world.acquire("share");
  world.dialled();
  const second = world.acquire("share");
  assertEquals([world.asked, second.outcome], [["dial"], "waiting"]);
  assertEquals(world.dialled() === first.granted, false);
  assertEquals(second.outcome, "granted");
});

Deno.test("Callers on a cold pool do not all end up on the first connection to land", () => {
  const world = new MachineWorld({ max: 3 });
  const callers = world.acquireMany(3, "share");
  for (let dial = 0; dial < 3; dial++) world.dialled();
  assertEquals(new Set(callers.map(({ slot }) => slot)).size, 3);
});

Deno.test("A one-shot shares once there are more callers than dials under way", () => {
  const world = new MachineWorld({ max: 2 });
  const first = world.acquire("share");
  world.dialled();
  const [second, third] = world.acquireMany(2, "share");
  assertStrictEquals(second!.slot, first.granted);
  assertEquals(third!.outcome, "waiting");
});

Deno.test("A one-shot shares while dials fail", () => {
  const world = new MachineWorld({ max: 3 });
  const first = world.acquire("share");
  world.dialled();
  const second = world.acquire("share");
  world.dialFailed();
  assertStrictEquals(second.slot, first.granted);
});

Deno.test("At max one-shots go to the connection with the fewest in flight", () => {
  const world = new MachineWorld({ max: 2, pipeline: 3 });
  const [a, b] = world.open(2);
  world.acquireMany(4, "share");
  assertEquals([a!.inFlight, b!.inFlight], [2, 2]);
  world.finished(a!);
  assertStrictEquals(world.acquire("share").slot, a);
});

Deno.test("No connection has more one-shots in flight than the pipeline", () => {
  const world = new MachineWorld({ max: 1, pipeline: 2 });
  const [slot] = world.open(1);
  const shares = world.acquireMany(4, "share");
  const outcomes = () => shares.map(({ outcome }) => outcome);
  assertEquals(outcomes(), ["granted", "granted", "waiting", "waiting"]);
  world.finished(slot!, 1);
  assertEquals(outcomes(), ["granted", "granted", "granted", "waiting"]);
});

Deno.test("A pipeline of 1 shares nothing", () => {
  const world = new MachineWorld({ max: 1, pipeline: 1 });
  const [slot] = world.open(1);
  const [, second] = world.acquireMany(2, "share");
  assertEquals(second!.outcome, "waiting");
  world.finished(slot!);
  assertEquals(second!.outcome, "granted");
});

Deno.test("A one-shot is never placed behind a stalled one", () => {
  const world = new MachineWorld({ max: 1 });
  const [slot] = world.open(1);
  world.acquire("share");
  world.advance(1_000);
  const behind = world.acquire("share");
  assertEquals(behind.outcome, "waiting");
  world.finished(slot!);
  assertEquals(behind.outcome, "granted");
});

Deno.test("A connection whose one-shots ended is idle again", () => {
  const world = new MachineWorld({ max: 1 });
  const [slot] = world.open(1);
  world.acquireMany(2, "share");
  world.finished(slot!, 2);
  assertEquals([slot!.state, slot!.inFlight], ["idle", 0]);
});

Deno.test("A lease at the head of the queue is not starved by one-shots", () => {
  const world = new MachineWorld({ max: 1 });
  const [slot] = world.open(1);
  world.acquire("share");
  const lease = world.acquire("lease");
  const [after] = world.acquireMany(3, "share");
  assertEquals(slot!.inFlight, 1);
  world.finished(slot!);
  assertEquals([lease.outcome, after!.outcome], ["granted", "waiting"]);
  world.release(lease);
  assertEquals(after!.outcome, "granted");
});

Deno.test("A lease never shares", () => {
  const world = new MachineWorld({ max: 1 });
  world.lease(1);
  const share = world.acquire("share");
  assertEquals(share.outcome, "waiting");
});

Deno.test("An isolated connection takes no more, drains and is reset", () => {
  const world = new MachineWorld({ max: 1, pipeline: 3 });
  const [slot] = world.open(1);
  world.acquireMany(2, "share");
  world.step({ kind: "isolate", slot: slot! });
  const next = world.acquire("share");
  world.finished(slot!);
  assertEquals([next.outcome, world.asked], ["waiting", []]);
  world.finished(slot!);
  assertEquals(world.asked, ["reset"]);
  world.wasReset();
  assertEquals(next.outcome, "granted");
  assertEquals(world.acquire("share").outcome, "granted");
});

Deno.test("A one-shot that leaves something behind isolates its connection", () => {
  const world = new MachineWorld({ max: 1, pipeline: 3 });
  const [slot] = world.open(1);
  world.acquireMany(2, "share");
  world.finished(slot!, 1, "reset");
  assertEquals(world.acquire("share").outcome, "waiting");
  world.finished(slot!, 1, "keep");
  assertEquals(world.asked, ["reset"]);
});

Deno.test("A shared connection to be destroyed is closed once drained", () => {
  const world = new MachineWorld({ max: 1 });
  const [slot] = world.open(1);
  world.acquire("share");
  world.finished(slot!, 1, "destroy");
  assertEquals(world.closes[0]?.reason, "destroyed");
});

Deno.test("An expired connection that is shared drains and is closed", () => {
  const world = new MachineWorld({ max: 1, maxLifetimeMs: 1_000, pipeline: 3 });
  const [slot] = world.open(1);
  world.acquireMany(2, "share");
  world.advance(1_000);
  assertEquals(slot!.state, "shared");
  world.finished(slot!);
  assertEquals(world.acquire("share").outcome, "waiting");
  world.finished(slot!);
  assertEquals(world.closes[0]?.reason, "expired");
});

Deno.test("A shared connection takes no more from the moment it expires", () => {
  const world = new MachineWorld({ max: 1, maxLifetimeMs: 1_000, pipeline: 3 });
  const [slot] = world.open(1);
  world.acquireMany(2, "share");
  world.now += 999;
  world.finished(slot!);
  assertEquals(world.acquire("share").outcome, "granted");
  world.now += 1;
  assertEquals(world.acquire("share").outcome, "waiting");
});

Deno.test("One-shots do not count as uses", () => {
  const world = new MachineWorld({ max: 1, maxUses: 2 });
  const [slot] = world.open(1);
  world.acquire("share");
  world.finished(slot!);
  assertEquals([slot!.uses, slot!.state], [1, "idle"]);
});

Deno.test("One-shots do not share while most of the time goes into slow ones, and do again after them", () => {
  const world = new MachineWorld({ max: 1, pipeline: 8 });
  const [slot] = world.open(1);
  const run = (ms: number) => {
    world.acquire("share");
    world.advance(ms);
    world.finished(slot!);
  };
  for (let round = 0; round < 400; round++) run(round % 10 === 0 ? 20 : 1);
  world.acquire("share");
  const second = world.acquire("share");
  assertEquals(second.outcome, "waiting");
  world.finished(slot!);
  assertEquals(second.outcome, "granted");
  world.finished(slot!);
  for (let round = 0; round < 400; round++) run(1);
  const [, beside] = world.acquireMany(2, "share");
  assertEquals(beside!.outcome, "granted");
});
