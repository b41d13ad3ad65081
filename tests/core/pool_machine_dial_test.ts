import { assert, assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

Deno.test("A dial outlives its caller: the connection is kept", () => {
  const world = new MachineWorld();
  world.abort(world.acquire());
  assertEquals(world.abandoned, []);
  const slot = world.dialled();
  assertEquals(slot.state, "idle");
  assertStrictEquals(world.acquire().slot, slot);
});

Deno.test("A dial serves whoever heads the queue when it lands", () => {
  const world = new MachineWorld();
  const first = world.acquire();
  const second = world.acquire();
  world.abort(first);
  world.dialled();
  assertEquals(second.outcome, "granted");
});

Deno.test("A failed dial does not strand the next waiter", () => {
  const world = new MachineWorld({ max: 1 });
  const first = world.acquire("lease", 20);
  const second = world.acquire();
  world.dialFailed();
  world.advance(20);
  assertEquals([first.outcome, first.error], ["timeout", "refused"]);
  world.advance(30);
  world.dialled();
  assertEquals(second.outcome, "granted");
});

Deno.test("A dial tries each address before it has failed", () => {
  const world = new MachineWorld({ dialAttempts: 3, max: 1 });
  const caller = world.acquire();
  const attempts = [0, 1, 2].map(() => {
    const slot = world.dials[0]!;
    const { attempt } = slot;
    world.dialFailed();
    return attempt;
  });
  assertEquals(attempts, [0, 1, 2]);
  assertEquals([world.dials.length, world.machine.backoff.failures], [0, 1]);
  assertEquals(caller.outcome, "waiting");
});

Deno.test("Each attempt of a dial has the whole connect timeout", () => {
  const world = new MachineWorld({ dialAttempts: 2, connectTimeoutMs: 100 });
  world.acquire();
  world.advance(99);
  assertEquals(world.abandoned, []);
  world.advance(1);
  assertEquals(world.effects, [
    { kind: "abandon", slot: world.abandoned[0]!, isTimeout: true },
  ]);
  world.dialFailed({ slot: world.abandoned[0] });
  assertEquals(world.asked, ["dial"]);
  world.advance(99);
  assertEquals(world.abandoned, []);
  world.advance(1);
  assertEquals(world.abandoned.length, 1);
});

Deno.test("A dial that opens just as it is given up for its time is kept", () => {
  const world = new MachineWorld({ connectTimeoutMs: 100 });
  const caller = world.acquire();
  world.advance(100);
  world.dialled(world.abandoned[0]);
  assertEquals(caller.outcome, "granted");
});

Deno.test("A permanent failure turns everyone away at once, with the error", () => {
  const world = new MachineWorld({ max: 1, dialAttempts: 3 });
  const callers = [
    world.acquire(),
    world.acquire("share"),
    world.acquire("ready"),
  ];
  world.dialFailed({ error: "28P01", isPermanent: true });
  const outcomes = callers.map(({ outcome, error }) => [outcome, error]);
  assertEquals(outcomes, Array(3).fill(["failed", "28P01"]));
});

Deno.test("After a permanent failure an acquire fails at once until the retry time, then probes", () => {
  const world = new MachineWorld({ max: 1 });
  world.acquire();
  world.dialFailed({ error: "28P01", isPermanent: true });
  const refused = world.acquire();
  assertEquals([refused.outcome, refused.error], ["failed", "28P01"]);
  assertEquals(world.dials.length, 0);
  world.advance(50);
  const caller = world.acquire();
  assertEquals([caller.outcome, world.dials.length], ["waiting", 1]);
  world.dialled();
  assertEquals(caller.outcome, "granted");
});

Deno.test("A permanent failure turns nobody away while an open connection could serve", () => {
  const world = new MachineWorld();
  const [holder] = world.lease(1);
  const caller = world.acquire();
  world.dialFailed({ error: "28P01", isPermanent: true });
  assertEquals([caller.outcome, world.acquire().outcome], [
    "waiting",
    "waiting",
  ]);
  world.release(holder!);
  assertEquals(caller.outcome, "granted");
});

Deno.test("When the last open connection goes during a permanent failure, those who wait are told", () => {
  const world = new MachineWorld();
  const [holder] = world.lease(1);
  const caller = world.acquire();
  world.dialFailed({ error: "28P01", isPermanent: true });
  world.lost(holder!.granted);
  assertEquals([caller.outcome, caller.error], ["failed", "28P01"]);
});

Deno.test("A passing failure beside live connections means wait, not fail", () => {
  const world = new MachineWorld();
  const [holder] = world.lease(1);
  const caller = world.acquire("lease", 10_000);
  world.dialFailed({ error: "53300" });
  assertEquals(caller.outcome, "waiting");
  world.release(holder!);
  assertStrictEquals(caller.slot, holder!.slot);
});

Deno.test("A passing failure is retried until the deadline and then is the error's cause", () => {
  const world = new MachineWorld({ max: 1 });
  const caller = world.acquire("lease", 1_000);
  for (let left = 100; caller.outcome === "waiting"; left--) {
    assert(left > 0, "waits for ever");
    if (world.dials.length > 0) world.dialFailed({ error: "57P03" });
    world.now = world.machine.nextDeadline;
    world.tick();
  }
  assertEquals([caller.outcome, caller.error], ["timeout", "57P03"]);
  assert(world.machine.backoff.failures > 3);
});

Deno.test("During an outage one dial probes at a time, at the retry time", () => {
  const world = new MachineWorld({ max: 8 });
  world.acquireMany(8);
  world.allDialsFail();
  assertEquals(world.machine.nextDeadline, world.now + 50);
  world.advance(49);
  assertEquals(world.dials.length, 0);
  world.advance(1);
  assertEquals(world.dials.length, 1);
  world.advance(1_000);
  assertEquals(world.dials.length, 1);
  world.dialFailed();
  world.advance(99);
  assertEquals(world.dials.length, 0);
  world.advance(1);
  assertEquals(world.dials.length, 1);
});

Deno.test("After an outage the dials under way double with each that succeeds", () => {
  const world = new MachineWorld({ max: 8 });
  world.acquireMany(8);
  world.allDialsFail();
  world.advance(50);
  const underWay = [1, 2, 3].map(() => {
    world.dialled();
    return world.dials.length;
  });
  assertEquals(underWay, [2, 4, 5]);
});

Deno.test("A dial that nobody wants any more is not retried", () => {
  const world = new MachineWorld({ max: 1 });
  const caller = world.acquire();
  world.dialFailed();
  world.abort(caller);
  assertEquals(world.machine.nextDeadline, Infinity);
  world.advance(10_000);
  assertEquals(world.dials.length, 0);
});

Deno.test("A dial's answers that come twice change nothing", () => {
  const world = new MachineWorld();
  const caller = world.acquire();
  const slot = world.dialled();
  world.dialled(slot);
  world.dialFailed({ slot, isPermanent: true });
  assertEquals([world.asked, caller.granted.state], [[], "leased"]);
  world.lost(slot);
  world.dialFailed({ slot });
  world.dialled(slot);
  assertEquals(world.asked, []);
  assertEquals(world.machine.backoff.failures, 0);
});
