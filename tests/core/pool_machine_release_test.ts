import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

Deno.test("A clean release serves the queue in the same step", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const caller = world.acquire();
  world.release(holder!);
  assertEquals(world.asked, ["grant"]);
  assertStrictEquals(caller.slot, holder!.slot);
});

Deno.test("A connection that needs a reset is granted only after it", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const caller = world.acquire();
  world.release(holder!, "reset");
  assertEquals(world.asked, ["reset"]);
  assertEquals(caller.outcome, "waiting");
  world.wasReset();
  assertEquals(caller.outcome, "granted");
});

Deno.test("A reset that fails closes the connection", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  world.release(holder!, "reset");
  world.wasReset(false);
  assertEquals(world.closes[0]?.reason, "reset");
});

Deno.test("A reset that takes too long closes the connection, and its late answer is ignored", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  world.release(holder!, "reset");
  world.advance(199);
  assertEquals(world.closes, []);
  const slot = world.resets[0]!;
  world.advance(1);
  assertEquals(world.closes[0]?.reason, "reset");
  world.step({ kind: "wasReset", slot, isOk: true });
  assertEquals([world.asked, slot.state], [[], "closing"]);
});

Deno.test("A connection to be destroyed is closed and never granted again", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  const caller = world.acquire();
  world.release(holder!, "destroy");
  assertEquals(world.closes[0]?.reason, "destroyed");
  assertEquals(caller.outcome, "waiting");
});

Deno.test("A second release changes nothing", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  world.release(holder!);
  for (const fate of ["keep", "reset", "destroy"] as const) {
    world.release(holder!, fate);
    assertEquals([world.asked, holder!.granted.state], [[], "idle"]);
  }
});

Deno.test("A detached connection leaves the pool, which may open another", () => {
  const world = new MachineWorld({ max: 1 });
  const [holder] = world.lease(1);
  world.acquire();
  world.step({ kind: "detach", slot: holder!.granted });
  assertEquals(world.asked, ["dial"]);
  world.release(holder!);
  assertEquals(world.asked, []);
});

for (const state of ["idle", "leased", "shared", "releasing", "closing"]) {
  Deno.test(`A connection lost while ${state} frees its place, and every later answer is ignored`, () => {
    const world = new MachineWorld({ max: 1 });
    const holder = world.acquire(state === "shared" ? "share" : "lease");
    const slot = world.dialled();
    if (state === "idle") world.release(holder);
    else if (state === "releasing") world.release(holder, "reset");
    else if (state === "closing") world.release(holder, "destroy");
    assertEquals(slot.state, state);
    world.lost(slot);
    assertEquals(world.machine.slots.table.total, 0);
    world.release(holder);
    world.finished(slot);
    world.step({ kind: "isolate", slot });
    world.step({ kind: "wasReset", slot, isOk: true });
    world.step({ kind: "prepared", slot, isOk: false });
    world.step({ kind: "lost", slot });
    assertEquals([world.asked, slot.state], [[], "closed"]);
    assertEquals(world.machine.nextDeadline, Infinity);
    const next = world.acquire();
    world.dialled();
    assertEquals(next.outcome, "granted");
  });
}
