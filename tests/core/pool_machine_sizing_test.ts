import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

Deno.test("A pool opens nothing until it is needed, except min", () => {
  assertEquals(new MachineWorld().dials.length, 0);
  assertEquals(new MachineWorld({ min: 2 }).dials.length, 2);
});

Deno.test("There are never more than max, closing ones counted", () => {
  const world = new MachineWorld({ max: 2 });
  const [holder] = world.lease(2);
  const waiting = world.acquireMany(5);
  assertEquals(world.machine.slots.table.total, 2);
  world.release(holder!, "destroy");
  assertEquals(world.asked, ["close"]);
  world.closed();
  assertEquals(world.asked, ["dial"]);
  world.dialled();
  assertEquals(waiting[0]!.outcome, "granted");
});

Deno.test("A connection that does not close in time is cut, and its place is free", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  world.acquire();
  world.release(holder!, "destroy");
  world.advance(99);
  assertEquals(world.destroyed, []);
  world.advance(1);
  assertEquals(world.destroyed, [holder!.granted]);
  assertEquals(world.dials.length, 1);
});

Deno.test("Dials stop when demand stops: each waiter wants one", () => {
  const world = new MachineWorld({ max: 10 });
  const callers = world.acquireMany(3);
  assertEquals(world.dials.length, 3);
  for (const caller of callers) world.abort(caller);
  world.acquire();
  assertEquals(world.dials.length, 3);
});

Deno.test("A spike ends small: what is returned serves the queue before dials land", () => {
  const world = new MachineWorld({ max: 3 });
  const [holder] = world.lease(1);
  const caller = world.acquire();
  assertEquals(world.dials.length, 1);
  world.release(holder!);
  assertStrictEquals(caller.slot, holder!.slot);
  world.acquire();
  assertEquals(world.dials.length, 1);
});

Deno.test("Idle shrinks to min, the longest idle first, and never below", () => {
  const world = new MachineWorld({ max: 3, min: 1, idleTimeoutMs: 1_000 });
  const [a, b, c] = world.open(3);
  world.advance(500);
  world.release(world.acquire());
  world.advance(499);
  assertEquals(world.closes, []);
  world.advance(1);
  assertEquals(
    world.closes,
    [a!, b!].map((slot) => (
      { kind: "close" as const, slot, reason: "idle" as const }
    )),
  );
  world.closed();
  world.closed();
  world.advance(100_000);
  assertEquals(world.closes, []);
  assertEquals(c!.state, "idle");
});

Deno.test("Idle shrinks under a trickle: the trickle keeps one warm", () => {
  const world = new MachineWorld({ max: 3, idleTimeoutMs: 1_000 });
  world.open(3);
  for (let round = 0; round < 4; round++) {
    world.advance(300);
    world.release(world.acquire());
  }
  assertEquals(world.machine.slots.idle.size, 1);
});

Deno.test("What is lost is opened again up to min", () => {
  const world = new MachineWorld({ min: 2 });
  const slots = [world.dialled(), world.dialled()];
  world.lost(slots[0]!);
  assertEquals(world.asked, ["dial"]);
  assertEquals(world.machine.slots.table.live, 2);
});

Deno.test("An expired connection is closed when idle and opened again up to min", () => {
  const world = new MachineWorld({ min: 1, maxLifetimeMs: 1_000 });
  world.dialled(undefined, 0);
  world.advance(1_000);
  assertEquals(world.asked, ["close", "dial"]);
  assertEquals(world.closes[0]?.reason, "expired");
});

Deno.test("A lifetime is shortened by up to a tenth, never lengthened", () => {
  const world = new MachineWorld({ min: 2, maxLifetimeMs: 1_000 });
  const first = world.dialled(undefined, 0);
  const second = world.dialled(undefined, 0.999);
  assertEquals(first.expiresAt, world.now + 1_000);
  assertEquals(second.expiresAt, world.now + 900.1);
});

Deno.test("A lease is never cut by its connection's age; it retires on return", () => {
  const world = new MachineWorld({ maxLifetimeMs: 1_000 });
  const [holder] = world.lease(1);
  world.advance(5_000);
  assertEquals(holder!.granted.state, "leased");
  world.release(holder!);
  assertEquals(world.closes[0]?.reason, "expired");
});

Deno.test("An expired connection is never granted, not even at the very moment", () => {
  const world = new MachineWorld({ maxLifetimeMs: 1_000 });
  world.open(1);
  world.now += 1_000;
  assertEquals(world.acquire("lease", 0).outcome, "timeout");
  assertEquals(world.closes[0]?.reason, "expired");
});

Deno.test("A connection retires after maxUses leases", () => {
  const world = new MachineWorld({ max: 1, maxUses: 2 });
  const [first] = world.lease(1);
  const [second, third] = world.acquireMany(2);
  world.release(first!);
  assertEquals(second!.outcome, "granted");
  world.release(second!);
  assertEquals(world.closes[0]?.reason, "maxUses");
  world.closed();
  world.dialled();
  assertEquals(third!.outcome, "granted");
});
