import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

function resize(world: MachineWorld, min: number, max: number): void {
  world.step({ kind: "resize", min, max });
}

Deno.test("Resizing up serves the queue with new dials, and fills up to the new min", () => {
  const world = new MachineWorld({ max: 1 });
  world.lease(1);
  world.acquireMany(2);
  resize(world, 0, 3);
  assertEquals(world.dials.length, 2);
  resize(world, 5, 5);
  assertEquals(world.dials.length, 4);
});

Deno.test("Resizing down closes idle ones at once, the longest idle first", () => {
  const world = new MachineWorld({ max: 3 });
  const [a, b, c] = world.open(3);
  resize(world, 0, 1);
  assertEquals(world.closes.map(({ slot }) => slot), [a!, b!]);
  assertEquals([world.closes[0]?.reason, c!.state], ["resize", "idle"]);
});

Deno.test("Resizing down cuts no lease: those too many retire on return", () => {
  const world = new MachineWorld({ max: 3 });
  const [first, second, third] = world.lease(3);
  const waiting = world.acquire();
  resize(world, 0, 1);
  assertEquals(world.closes, []);
  world.release(first!);
  world.release(second!);
  assertEquals(world.closes.map(({ reason }) => reason), ["resize", "resize"]);
  world.release(third!);
  assertStrictEquals(waiting.slot, third!.slot);
});

Deno.test("Resizing down gives up a dial that is one too many, the last first", () => {
  const world = new MachineWorld({ max: 3 });
  world.lease(1);
  const [next, last] = world.acquireMany(2);
  const [, given] = world.dials;
  resize(world, 0, 2);
  assertEquals(world.abandoned, [given!]);
  world.dialled();
  assertEquals([next!.outcome, last!.outcome], ["granted", "waiting"]);
  assertEquals(world.closes, []);
});

Deno.test("Resizing down gives up dials before it closes what is open", () => {
  const world = new MachineWorld({ max: 3, min: 3 });
  const dials = [...world.dials];
  world.dialled();
  resize(world, 0, 1);
  assertEquals(world.abandoned.length, 2);
  assertEquals(world.closes, []);
  assertEquals(world.acquire().slot, dials[0]);
});

Deno.test("Resizing down drains a shared connection; one that is no longer too many is shared again", () => {
  const world = new MachineWorld({ max: 2, pipeline: 3 });
  const [a, b] = world.open(2);
  world.acquireMany(4, "share");
  resize(world, 0, 1);
  world.finished(a!);
  world.finished(b!);
  world.finished(a!);
  assertEquals(world.closes[0]?.reason, "resize");
  world.finished(b!);
  assertEquals([b!.state, world.asked], ["idle", []]);
});

Deno.test("Resizing down does not dial until there is room", () => {
  const world = new MachineWorld({ max: 3 });
  const [first] = world.lease(3);
  world.acquire();
  resize(world, 1, 2);
  world.lost(first!.granted);
  assertEquals(world.dials.length, 0);
});

Deno.test("Refreshing retires idle ones now and opens min anew", () => {
  const world = new MachineWorld({ min: 1 });
  world.dialled();
  world.step({ kind: "refresh" });
  assertEquals(world.asked, ["close", "dial"]);
  assertEquals(world.closes[0]?.reason, "refresh");
});

Deno.test("Refreshing retires leased ones on return, once, and spares those opened since", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const next = world.acquire();
  world.step({ kind: "refresh" });
  world.release(holder!, "reset");
  assertEquals(world.closes[0]?.reason, "refresh");
  world.closed();
  world.dialled();
  world.release(next);
  assertEquals(next.granted.state, "idle");
});

Deno.test("Refreshing retires what is being dialled, prepared, reset or shared when that ends", () => {
  const world = new MachineWorld({ max: 4, hasAcquireHook: true });
  world.acquire("share");
  const shared = world.dialled();
  const holder = world.acquire();
  world.dialled();
  world.prepared();
  world.release(holder, "reset");
  world.acquire();
  world.dialled();
  world.acquire();
  world.step({ kind: "refresh" });
  assertEquals(world.closes, []);
  world.dialled();
  world.prepared();
  world.wasReset();
  world.finished(shared);
  const reasons = world.closes.map(({ reason }) => reason);
  assertEquals(reasons, Array(4).fill("refresh"));
});

Deno.test("A paused pool grants nothing and opens nothing for those who wait", () => {
  const world = new MachineWorld();
  world.open(1);
  world.step({ kind: "pause" });
  const [first, second] = world.acquireMany(2);
  assertEquals([first!.outcome, world.dials.length], ["waiting", 0]);
  assertEquals(world.acquire("lease", 0).outcome, "timeout");
  world.step({ kind: "resume" });
  assertEquals([first!.outcome, world.dials.length], ["granted", 1]);
  assertEquals(second!.outcome, "waiting");
});

Deno.test("A paused pool takes connections back, keeps deadlines and fills up to min", () => {
  const world = new MachineWorld({ min: 1 });
  const holder = world.acquire();
  world.dialled();
  world.step({ kind: "pause" });
  const caller = world.acquire("lease", 100);
  world.release(holder);
  assertEquals(caller.outcome, "waiting");
  world.advance(100);
  assertEquals(caller.outcome, "timeout");
  world.lost(holder.granted);
  assertEquals(world.dials.length, 1);
});

Deno.test("A paused pool can be closed", () => {
  const world = new MachineWorld();
  world.step({ kind: "pause" });
  const caller = world.acquire();
  world.close();
  assertEquals([caller.outcome, world.drained], ["closed", 1]);
});
