import { assertInvariants } from "../../src/core/invariants.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

Deno.test("assertInvariants() accepts a machine at work, and leaves it as it was", () => {
  const world = new MachineWorld({ pipeline: 3 });
  world.open(2);
  world.acquireMany(3, "share");
  const before = JSON.stringify(world.machine.slots.table.counts);
  assertInvariants(world.machine, world.now);
  assertEquals(JSON.stringify(world.machine.slots.table.counts), before);
});

const BREAKS: [string, (world: MachineWorld) => void][] = [
  [
    "idle is listed idle",
    ({ machine }) => machine.slots.idle.remove(machine.slots.idle.top!),
  ],
  ["counts match", ({ machine }) => machine.slots.idle.top!.state = "leased"],
  [
    "only shared has one-shots",
    ({ machine }) => machine.slots.idle.top!.inFlight = 1,
  ],
  [
    "idle may be granted",
    (world) => world.machine.slots.idle.top!.expiresAt = world.now,
  ],
  [
    "no orphan alarm",
    ({ machine }) =>
      machine.slots.deadlines.add(9_999, machine.slots.idle.top!),
  ],
  ["dials begin", ({ machine }) => machine.state.min = 2],
  ["closing keeps nothing", ({ machine }) => machine.state.phase = "draining"],
  ["idle makes way above max", ({ machine }) => machine.state.max = 0],
];

for (const [name, damage] of BREAKS) {
  Deno.test(`assertInvariants() sees when it is not so that ${name}`, () => {
    const world = new MachineWorld();
    world.open(1);
    damage(world);
    assertThrows(
      () => assertInvariants(world.machine, world.now),
      Error,
      "Invariant broken",
    );
  });
}

Deno.test("assertInvariants() names the invariant and the numbers", () => {
  const world = new MachineWorld({ max: 1 });
  world.lease(1);
  world.acquire("lease", 10);
  assertThrows(
    () => assertInvariants(world.machine, 5_000),
    Error,
    "Invariant broken: nobody waits past the deadline: 1010, 5000",
  );
});
