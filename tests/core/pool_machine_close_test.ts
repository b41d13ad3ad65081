import { assertEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

Deno.test("Closing an empty pool drains it in the same step", () => {
  const world = new MachineWorld();
  world.close();
  assertEquals([world.drained, world.machine.state.phase], [1, "closed"]);
  assertEquals(world.machine.nextDeadline, Infinity);
});

Deno.test("Closing turns every waiter away in the same step", () => {
  const world = new MachineWorld({ max: 1, min: 1 });
  const callers = [
    world.acquire(),
    world.acquire("share"),
    world.acquire("ready"),
  ];
  world.close();
  assertEquals(callers.map(({ outcome }) => outcome), Array(3).fill("closed"));
  assertEquals(world.acquire().outcome, "closed");
  assertEquals(world.acquire("lease", 0).outcome, "closed");
});

Deno.test("Closing closes what is idle and gives up dials at once", () => {
  const world = new MachineWorld();
  world.open(1);
  world.acquireMany(2);
  world.close();
  assertEquals(world.abandoned.length, 1);
  world.dialFailed({ slot: world.abandoned[0] });
  assertEquals([world.drained, world.machine.backoff.failures], [0, 0]);
});

Deno.test("Closing waits for leases; each is closed when it returns", () => {
  const world = new MachineWorld();
  const [first, second] = world.lease(2);
  world.close();
  assertEquals(world.closes, []);
  world.release(first!);
  world.release(second!, "reset");
  assertEquals(world.closes.map(({ reason }) => reason), [
    "shutdown",
    "shutdown",
  ]);
  world.closed();
  assertEquals(world.drained, 0);
  world.closed();
  assertEquals(world.drained, 1);
});

Deno.test("Closing waits for one-shots under way", () => {
  const world = new MachineWorld({ max: 1 });
  const [slot] = world.open(1);
  world.acquireMany(2, "share");
  world.close();
  world.finished(slot!);
  assertEquals(world.closes, []);
  world.finished(slot!);
  assertEquals(world.closes[0]?.reason, "shutdown");
});

Deno.test("Closing lets a preparation and a reset end, and closes what they had", () => {
  const world = new MachineWorld({ hasAcquireHook: true });
  const [first] = world.acquireMany(2);
  world.dialled();
  world.dialled();
  world.prepared();
  world.release(first!, "reset");
  world.close();
  assertEquals(world.asked, ["turnAway"]);
  world.prepared();
  world.wasReset();
  assertEquals(world.closes.length, 2);
});

Deno.test("Closing cuts nobody before forceAt, then closes every lease", () => {
  const world = new MachineWorld({ max: 3 });
  const [, second] = world.lease(3);
  world.release(second!, "reset");
  world.close(150, 1_000);
  world.advance(149);
  assertEquals(world.closes, []);
  world.advance(1);
  assertEquals(world.closes.length, 3);
});

Deno.test("Closing ends by endAt, whatever does not answer", () => {
  const world = new MachineWorld({ max: 3, closeTimeoutMs: 10_000 });
  world.lease(2);
  world.acquire();
  world.close(100, 200);
  world.advance(199);
  assertEquals([world.destroyed.length, world.drained], [0, 0]);
  world.advance(1);
  assertEquals([world.destroyed.length, world.drained], [3, 1]);
  assertEquals(world.machine.nextDeadline, Infinity);
});

Deno.test("Closing twice is closing once", () => {
  const world = new MachineWorld();
  world.open(1);
  world.close();
  world.close();
  assertEquals(world.asked, []);
  world.closed();
  world.close();
  world.advance(100_000);
  assertEquals(world.drained, 1);
});

Deno.test("A second close with force ends the waiting", () => {
  const world = new MachineWorld();
  world.lease(1);
  world.close(1_000);
  world.advance(500);
  world.close(0, 50);
  assertEquals(world.closes[0]?.reason, "shutdown");
  world.advance(50);
  assertEquals([world.destroyed.length, world.drained], [1, 1]);
});

Deno.test("A second close with patience prolongs nothing", () => {
  const world = new MachineWorld({ closeTimeoutMs: 10_000 });
  world.lease(1);
  world.close(1_000, 2_000);
  world.close(50_000, 60_000);
  world.advance(1_000);
  assertEquals(world.closes[0]?.reason, "shutdown");
  world.advance(1_000);
  assertEquals(world.drained, 1);
});

Deno.test("A dial that opens although it was given up is closed", () => {
  const world = new MachineWorld();
  world.acquire();
  world.close();
  const slot = world.dialled(world.abandoned[0]);
  assertEquals([world.asked, slot.connection], [["close"], "connection 1"]);
  world.closed();
  assertEquals(world.drained, 1);
});

Deno.test("A dial that opens after the pool is closed is cut", () => {
  const world = new MachineWorld();
  world.acquire();
  world.close(10, 20);
  world.advance(20);
  assertEquals(world.drained, 1);
  const slot = world.dialled(world.abandoned[0] ?? world.destroyed[0]);
  assertEquals(world.effects, [{ kind: "destroy", slot }]);
  world.dialled(slot);
  assertEquals(world.asked, []);
});

Deno.test("A pool closed during an outage wakes nobody any more", () => {
  const world = new MachineWorld();
  world.acquire();
  world.dialFailed();
  world.close();
  assertEquals([world.drained, world.machine.nextDeadline], [1, Infinity]);
});

Deno.test("A closed pool does nothing, whatever it hears", () => {
  const world = new MachineWorld({ min: 1 });
  const slot = world.dialled();
  world.close();
  world.closed();
  for (const kind of ["tick", "leap", "refresh", "pause", "resume"] as const) {
    world.step({ kind });
    assertEquals(world.asked, []);
  }
  world.step({ kind: "resize", min: 2, max: 4 });
  world.step({ kind: "lost", slot });
  assertEquals(world.asked, []);
});

Deno.test("A close that is forced late leaves the same time for cancelling", () => {
  const world = new MachineWorld({ max: 1 });
  world.lease(1);
  world.close(100, 150);
  // The event loop stood still: both points have passed when it is looked at.
  world.now += 400;
  world.tick();
  assertEquals(world.asked.includes("close"), true);
  assertEquals(world.asked.includes("destroy"), false);
  world.advance(50);
  assertEquals(world.asked.includes("destroy"), true);
});
