import { assert, assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

Deno.test("An acquire is granted in the same step when a connection is idle", () => {
  const world = new MachineWorld();
  const [slot] = world.open(1);
  const caller = world.acquire();
  assertEquals(world.asked, ["grant"]);
  assertStrictEquals(caller.slot, slot);
  assertEquals([caller.granted.state, caller.granted.uses], ["leased", 2]);
});

Deno.test("Grants are first come, first served", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const callers = world.acquireMany(3);
  for (const caller of callers) {
    world.release(callers[callers.indexOf(caller) - 1] ?? holder!);
    assertEquals(caller.outcome, "granted");
  }
  assertEquals(callers.map(({ answers }) => answers), [1, 1, 1]);
});

Deno.test("A newcomer never overtakes, not even in the moment of a release", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const first = world.acquire("lease");
  world.release(holder!);
  assertEquals(first.outcome, "granted");
  const second = world.acquire("lease");
  const third = world.acquire("share");
  const atOnce = world.acquire("lease", 0);
  assertEquals([second, third, atOnce].map(({ outcome }) => outcome), [
    "waiting",
    "waiting",
    "timeout",
  ]);
});

Deno.test("A connection used last is granted first", () => {
  const world = new MachineWorld({ max: 3 });
  const [a, b, c] = world.open(3);
  const order = [world.acquire(), world.acquire(), world.acquire()];
  assertEquals(order.map(({ granted }) => granted), [c!, b!, a!]);
});

Deno.test("An acquire is turned away at its deadline, not before", () => {
  const world = new MachineWorld({ max: 1 });
  world.lease(1);
  const caller = world.acquire("lease", 50);
  assertEquals(world.machine.nextDeadline, world.now + 50);
  world.advance(49);
  assertEquals(caller.outcome, "waiting");
  world.advance(1);
  assertEquals(caller.outcome, "timeout");
});

Deno.test("A deadline comes before a release at the same time", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const late = world.acquire("lease", 50);
  const next = world.acquire("lease", 80);
  world.now += 50;
  world.release(holder!);
  assertEquals([late.outcome, next.outcome], ["timeout", "granted"]);
});

Deno.test("Those turned away leave the queue at once: the next is served", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const [timedOut, aborted] = [world.acquire("lease", 10), world.acquire()];
  const next = world.acquire();
  world.advance(10);
  world.abort(aborted);
  assertEquals(world.machine.waiters.queue.length, 1);
  world.release(holder!);
  assertEquals([timedOut.outcome, aborted.outcome, next.outcome], [
    "timeout",
    "waiting",
    "granted",
  ]);
});

Deno.test("A one-shot behind a lease that gives up is served at once", () => {
  const world = new MachineWorld({ max: 1 });
  const running = world.acquire("share");
  world.dialled();
  const lease = world.acquire("lease");
  const share = world.acquire("share");
  assertEquals(share.outcome, "waiting");
  world.abort(lease);
  assertStrictEquals(share.slot, running.granted);
});

Deno.test("An abort after the grant changes nothing: the connection has one owner", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const first = world.acquire();
  const second = world.acquire();
  world.release(holder!);
  world.abort(first);
  assertEquals(world.asked, []);
  assertEquals([first.outcome, first.state], ["granted", "granted"]);
  assertEquals(second.outcome, "waiting");
  world.release(first);
  assertStrictEquals(second.slot, first.slot);
});

Deno.test("An abort before the release gives the connection to the next", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const first = world.acquire();
  const second = world.acquire();
  world.abort(first);
  world.release(holder!);
  assertEquals([first.outcome, second.outcome], ["waiting", "granted"]);
});

Deno.test("A connection that dies in the step in which a deadline frees the queue is granted to nobody", () => {
  const world = new MachineWorld({ max: 1 });
  const running = world.acquire("share");
  world.dialled();
  world.acquire("lease", 10);
  const share = world.acquire("share");
  world.now += 10;
  world.lost(running.granted);
  assertEquals(share.outcome, "waiting");
  assertEquals(world.asked, ["turnAway", "dial"]);
});

Deno.test("An acquire whose deadline has passed takes what is idle, or nothing", () => {
  const world = new MachineWorld();
  assertEquals(world.acquire("lease", 0).outcome, "timeout");
  assertEquals(world.dials.length, 0);
  world.open(1);
  // Nothing could be asked of the server in no time.
  world.advance(world.machine.state.limits.validateAfterIdleMs + 1);
  const caller = world.acquire("lease", 0);
  assertEquals(caller.outcome, "granted");
  world.release(caller);
  assertEquals(world.acquire("lease", -5).outcome, "granted");
});

Deno.test("An acquire whose deadline has passed gets no connection without its hook", () => {
  const world = new MachineWorld({ hasAcquireHook: true });
  world.acquire("share");
  world.finished(world.dialled());
  assertEquals(world.acquire("lease", 0).outcome, "timeout");
  assertEquals(world.acquire("share", 0).outcome, "granted");
});

Deno.test("A ready waiter is told once min connections are open", () => {
  const world = new MachineWorld({ min: 2 });
  const ready = world.acquire("ready");
  world.dialled();
  assertEquals(ready.outcome, "waiting");
  world.dialled();
  assertEquals(ready.outcome, "ready");
});

Deno.test("A ready waiter of a lazy pool has one connection opened", () => {
  const world = new MachineWorld({ min: 0 });
  const ready = world.acquire("ready");
  assertEquals(world.dials.length, 1);
  world.dialled();
  assertEquals(ready.outcome, "ready");
  assertEquals(world.acquire("ready", 0).outcome, "ready");
});

Deno.test("A ready waiter whose deadline has passed is answered in the same step", () => {
  const world = new MachineWorld();
  assertEquals(world.acquire("ready", 0).outcome, "timeout");
});

Deno.test("One-shots that lost their connection unsent go back to their places", () => {
  const world = new MachineWorld({ max: 1, pipeline: 3 });
  const [a, b, c] = world.acquireMany(3, "share");
  const later = world.acquire("share");
  world.lost(world.dialled());
  for (const waiter of [a!, b!, c!]) {
    world.step({ kind: "acquire", waiter, isResent: true });
  }
  assertEquals([...world.machine.waiters.queue], [a!, b!, c!, later]);
  world.dialled();
  assertEquals([a!.outcome, later.outcome], ["granted", "waiting"]);
  assertEquals(a!.answers, 2);
});

Deno.test("Nobody is turned away twice, whatever comes afterwards", () => {
  const world = new MachineWorld({ max: 1 });
  world.lease(1);
  const caller = world.acquire("lease", 10);
  world.advance(10);
  world.abort(caller);
  world.advance(100);
  world.close();
  assertEquals(caller.answers, 1);
  assert(caller.outcome === "timeout");
});

Deno.test("An acquire that cannot wait does not overtake one that waits for its hook", () => {
  const world = new MachineWorld({ pipeline: 1, hasAcquireHook: true });
  for (const share of world.acquireMany(2, "share")) {
    world.dialled();
    assert(share.outcome === "granted");
  }
  for (const slot of [...world.machine.slots.table]) world.finished(slot);
  const lease = world.acquire("lease");
  assertEquals([world.asked, world.machine.slots.idle.size], [["prepare"], 1]);
  assertEquals(world.acquire("share", 0).outcome, "timeout");
  world.prepared();
  assertEquals(lease.outcome, "granted");
});

Deno.test("A deadline is seen to by whatever input comes next, a stale one too", () => {
  const world = new MachineWorld({ min: 1, maxLifetimeMs: 1_000 });
  const slot = world.dialled();
  world.now += 1_000;
  world.step({ kind: "prepared", slot, isOk: true });
  assertEquals(world.asked, ["close", "dial"]);
});
