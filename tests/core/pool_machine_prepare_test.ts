import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

function silentWorld(count: number, max = count): MachineWorld {
  const world = new MachineWorld({ max });
  world.open(count);
  world.advance(2_001);
  return world;
}

Deno.test("A connection that was silent too long is asked before it is granted", () => {
  const world = silentWorld(1);
  const caller = world.acquire();
  const { slot } = world.effects[0] as { slot: unknown };
  assertEquals(world.effects, [
    { kind: "prepare", slot: world.preparations[0]!, ping: true, hook: false },
  ]);
  assertStrictEquals(slot, world.preparations[0]);
  world.prepared();
  assertEquals(caller.outcome, "granted");
});

Deno.test("A connection heard of in time is granted unasked", () => {
  const world = new MachineWorld();
  world.open(1);
  world.advance(2_000);
  assertEquals(world.acquire().outcome, "granted");
});

Deno.test("Validation comes first, then whoever heads the queue", () => {
  const world = silentWorld(1);
  const first = world.acquire();
  const second = world.acquire();
  world.abort(first);
  world.prepared();
  assertEquals([first.outcome, second.outcome], ["waiting", "granted"]);
});

Deno.test("A validated connection nobody waits for is idle again and heard of", () => {
  const world = silentWorld(1);
  world.abort(world.acquire());
  world.prepared();
  assertEquals(world.machine.slots.idle.size, 1);
  assertEquals(world.acquire().outcome, "granted");
});

Deno.test("A connection that fails its validation is closed and the next one asked", () => {
  const world = silentWorld(2);
  const caller = world.acquire();
  world.prepared(false);
  assertEquals(world.asked, ["close", "prepare"]);
  assertEquals(world.closes[0]?.reason, "validation");
  world.prepared();
  assertEquals(caller.outcome, "granted");
});

Deno.test("No more are validated than wait", () => {
  const world = silentWorld(3);
  world.acquire();
  assertEquals(world.preparations.length, 1);
  world.acquire();
  assertEquals(world.preparations.length, 2);
});

Deno.test("A ping that times out condemns those that were silent for longer", () => {
  const world = new MachineWorld({ max: 3 });
  world.open(2);
  world.advance(10);
  const [a, b] = world.acquireMany(3);
  world.dialled();
  world.advance(1_000);
  world.release(a!);
  world.release(b!);
  world.advance(2_001);
  const caller = world.acquire();
  const asked = world.preparations[0]!;
  world.advance(300);
  assertEquals(world.closes.map(({ reason }) => reason), [
    "validation",
    "validation",
  ]);
  assertStrictEquals(world.closes[0]?.slot, asked);
  assertEquals(caller.outcome, "waiting");
});

Deno.test("A ping that times out spares those that were heard of since", () => {
  const world = new MachineWorld({ max: 2 });
  const [a, b] = world.lease(2);
  world.release(a!);
  world.advance(2_001);
  const caller = world.acquire();
  assertStrictEquals(world.preparations[0], a!.granted);
  world.abort(caller);
  world.release(b!);
  world.advance(300);
  assertEquals(world.closes.map(({ slot }) => slot), [a!.granted]);
  assertEquals(b!.granted.state, "idle");
});

Deno.test("After a leap of the clock every idle connection is asked", () => {
  const world = new MachineWorld();
  world.open(2);
  world.now += 1;
  world.step({ kind: "leap" });
  world.acquireMany(2);
  assertEquals(world.preparations.length, 2);
  world.prepared();
  const again = world.acquire();
  world.prepared();
  assertEquals(again.outcome, "waiting");
});

Deno.test("The acquire hook runs before each lease, on one that was heard of too", () => {
  const world = new MachineWorld({ max: 1, hasAcquireHook: true });
  const caller = world.acquire();
  world.dialled();
  assertEquals(world.effects, [
    { kind: "prepare", slot: world.preparations[0]!, ping: false, hook: true },
  ]);
  world.prepared();
  assertEquals(caller.outcome, "granted");
  world.release(caller);
  world.acquire();
  assertEquals(world.asked, ["prepare"]);
});

Deno.test("The acquire hook runs for no one-shot", () => {
  const world = new MachineWorld({ hasAcquireHook: true });
  const caller = world.acquire("share");
  world.dialled();
  assertEquals(caller.outcome, "granted");
});

Deno.test("A lease never gets a connection that was prepared for a one-shot, without its hook", () => {
  const world = new MachineWorld({ max: 1, hasAcquireHook: true });
  world.acquire("share");
  world.finished(world.dialled());
  world.advance(2_001);
  const share = world.acquire("share");
  assertEquals(world.asked, ["prepare"]);
  world.abort(share);
  const lease = world.acquire("lease");
  world.prepared();
  assertEquals(lease.outcome, "waiting");
  assertEquals(world.effects, [
    { kind: "prepare", slot: world.preparations[0]!, ping: false, hook: true },
  ]);
});

Deno.test("A hook that hangs costs one connection", () => {
  const world = new MachineWorld({
    max: 3,
    pipeline: 1,
    hasAcquireHook: true,
  });
  for (const slot of world.acquireMany(3, "share").map(() => world.dialled())) {
    world.advance(1);
    world.finished(slot);
  }
  world.acquire("lease");
  world.advance(300);
  assertEquals(world.closes.length, 1);
  assertEquals(world.machine.slots.idle.size, 1);
  assertEquals(world.preparations.length, 1);
});

Deno.test("A hook that follows a ping has its own time, and condemns nobody else", () => {
  const world = new MachineWorld({ max: 2, hasAcquireHook: true });
  for (const slot of world.acquireMany(2, "share").map(() => world.dialled())) {
    world.finished(slot);
  }
  world.advance(2_001);
  world.acquire();
  const slot = world.preparations[0]!;
  world.advance(299);
  world.step({ kind: "answered", slot });
  world.advance(299);
  assertEquals([slot.state, world.closes.length], ["preparing", 0]);
  world.advance(1);
  assertEquals(world.closes.map((closed) => closed.slot), [slot]);
});

Deno.test("A connection whose first hook throws counts as a dial that failed", () => {
  const world = new MachineWorld({ max: 1, hasAcquireHook: true });
  const caller = world.acquire();
  const fault = { error: "Thrown", random: 1 };
  for (const waitMs of [50, 100, 200]) {
    const slot = world.dialled();
    world.step({ kind: "prepared", slot, isOk: false, fault });
    world.closed(slot);
    assertEquals(world.dials.length, 0);
    world.advance(waitMs - 1);
    assertEquals(world.dials.length, 0);
    world.advance(1);
    assertEquals(world.dials.length, 1);
  }
  world.dialled();
  world.prepared();
  assertEquals(caller.outcome, "granted");
  // It has been of use: what throws now says nothing of the next.
  world.release(caller);
  world.acquire();
  const [slot] = world.preparations;
  world.step({ kind: "prepared", slot: slot!, isOk: false, fault });
  world.closed(slot!);
  assertEquals(world.dials.length, 1);
});

/** The hook of what is asked for last throws; the connection is gone. */
function hookThrows(world: MachineWorld): void {
  const slot = world.preparations.at(-1)!;
  const fault = { error: "Thrown", random: 1 };
  world.step({ kind: "prepared", slot, isOk: false, fault });
  world.closed(slot);
}

/** A pool with a hook, and so many idle connections on which it never ran. */
function unproven(count: number): MachineWorld {
  const limits = { max: count, min: count, hasAcquireHook: true };
  const world = new MachineWorld(limits);
  for (let left = count; left > 0; left--) world.dialled();
  return world;
}

Deno.test("While hooks throw, open connections are tried one at a time, as rarely as dials", () => {
  const world = unproven(3);
  const [first] = world.acquireMany(2);
  assertEquals(world.preparations.length, 2);
  hookThrows(world);
  hookThrows(world);
  assertEquals(world.preparations.length, 0);
  world.advance(49);
  assertEquals(world.preparations.length, 0);
  world.advance(1);
  assertEquals(world.preparations.length, 1);
  world.prepared();
  assertEquals(first!.outcome, "granted");
});

Deno.test("While hooks throw, one that ended well before is tried at once, wherever it stands", () => {
  const world = unproven(3);
  const caller = world.acquire();
  world.prepared();
  const proven = caller.granted;
  world.release(caller);
  const shares = world.acquireMany(3, "share").map(({ granted }) => granted);
  assertEquals(shares[0], proven);
  for (const slot of shares) world.finished(slot);
  world.acquire();
  assertEquals(world.preparations, [shares[2]!]);
  hookThrows(world);
  assertEquals(world.preparations, [proven]);
});

Deno.test("A hook that ends well ends the wait, on a connection that ran one-shots, too", () => {
  const world = unproven(2);
  const shares = world.acquireMany(2, "share").map(({ granted }) => granted);
  for (const slot of shares) world.finished(slot);
  world.acquire();
  hookThrows(world);
  assertEquals(world.machine.backoff.failures, 1);
  world.advance(50);
  world.prepared();
  assertEquals(world.machine.backoff.failures, 0);
});

Deno.test("A one-shot passes a lease whose hook runs, and sends no other connection into it", () => {
  const world = unproven(3);
  const lease = world.acquire();
  const shares = world.acquireMany(2, "share");
  assertEquals(shares.map(({ outcome }) => outcome), ["granted", "granted"]);
  assertEquals(world.preparations.length, 1);
  world.prepared();
  assertEquals(lease.outcome, "granted");
});

Deno.test("A newcomer takes nothing by a short cut while somebody waits", () => {
  const world = unproven(2);
  world.acquire();
  const { turnstile, slots } = world.machine;
  assertEquals(slots.idle.size, 1);
  assertEquals(turnstile.takeReady("share", world.now), undefined);
});

Deno.test("A one-shot passes no lease that waits for a connection", () => {
  const world = unproven(2);
  const shared = world.acquire("share");
  world.acquireMany(2);
  assertEquals(world.preparations.length, 1);
  const late = world.acquire("share");
  assertEquals(late.outcome, "waiting");
  world.finished(shared.granted);
  assertEquals([world.preparations.length, late.outcome], [2, "waiting"]);
});

Deno.test("A one-shot passes all leases while hooks throw, until one may be tried", () => {
  const world = unproven(3);
  const leases = world.acquireMany(5);
  for (let left = 3; left > 0; left--) hookThrows(world);
  world.dialled();
  world.advance(49);
  const share = world.acquire("share");
  assertEquals(share.outcome, "granted");
  world.advance(1);
  const late = world.acquire("share");
  assertEquals(late.outcome, "waiting");
  world.finished(share.granted);
  assertEquals(world.preparations, [share.granted]);
  assertEquals(late.outcome, "waiting");
  world.prepared();
  assertEquals(leases[0]!.outcome, "granted");
});

Deno.test("A one-shot that passes leaves what is proven to a lease, and takes what is not", () => {
  const world = unproven(3);
  const holder = world.acquire();
  world.prepared();
  world.release(holder);
  const proven = world.acquire("share").granted;
  assertEquals(proven, holder.granted);
  const lease = world.acquire();
  hookThrows(world);
  const shares = world.acquireMany(3, "share");
  assertEquals(
    shares.map(({ outcome }) => outcome),
    ["granted", "granted", "waiting"],
  );
  assertEquals(proven.inFlight, 1);
  world.finished(proven);
  world.prepared(true, proven);
  assertEquals(lease.slot, proven);
});

Deno.test("What min wants is opened while hooks throw, whoever waits", () => {
  const world = unproven(2);
  world.acquireMany(3);
  hookThrows(world);
  hookThrows(world);
  assertEquals(world.dials.length, 1);
  world.dialled();
  assertEquals(world.dials.length, 1);
});

Deno.test("Nobody waits for a hook whose lease has gone", () => {
  const world = new MachineWorld({ max: 2, hasAcquireHook: true });
  const gone = world.acquire();
  world.dialled();
  world.abort(gone);
  assertEquals(world.preparations.length, 1);
  world.acquire("share");
  assertEquals(world.dials.length, 1);
});

Deno.test("A connection lost while it is asked is replaced, and its late answer ignored", () => {
  const world = silentWorld(1);
  const caller = world.acquire();
  const slot = world.preparations[0]!;
  world.lost(slot);
  assertEquals(world.asked, ["dial"]);
  world.step({ kind: "prepared", slot, isOk: true });
  assertEquals([world.asked, caller.outcome], [[], "waiting"]);
});

Deno.test("A connection that expires while it is asked is not granted", () => {
  const world = new MachineWorld({ maxLifetimeMs: 2_100 });
  world.open(1);
  world.advance(2_050);
  const caller = world.acquire();
  world.advance(60);
  world.prepared();
  assertEquals(caller.outcome, "waiting");
  assertEquals(world.asked, ["close", "dial"]);
});

Deno.test("What a hook has touched is reset where no lease takes it, and before a one-shot does", () => {
  const world = new MachineWorld({ max: 1, hasAcquireHook: true });
  const gone = world.acquire();
  world.dialled();
  const next = world.acquire("share");
  world.abort(gone);
  world.prepared(true, undefined, true);
  assertEquals([world.asked, next.outcome], [["reset"], "waiting"]);
  world.wasReset();
  assertEquals(next.outcome, "granted");
});

Deno.test("What a hook has touched is the lease's for which it ran", () => {
  const world = new MachineWorld({ max: 1, hasAcquireHook: true });
  const caller = world.acquire();
  world.dialled();
  world.prepared(true, undefined, true);
  assertEquals([world.asked, caller.outcome], [["grant"], "granted"]);
});
