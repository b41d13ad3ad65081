import { assertEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

const OVERLOAD = { targetMs: 10, intervalMs: 100 };

Deno.test("An acquire that would be one waiter too many is turned away at once", () => {
  const world = new MachineWorld({ max: 1, maxWaiting: 1 });
  const [holder] = world.lease(1);
  const first = world.acquire();
  const second = world.acquire("share");
  assertEquals([first.outcome, second.outcome], ["waiting", "overloaded"]);
  world.release(holder!);
  assertEquals(first.outcome, "granted");
});

Deno.test("Waiting for the pool to be warm is not limited by maxWaiting", () => {
  const world = new MachineWorld({ max: 1, maxWaiting: 1 });
  world.acquire();
  assertEquals(world.acquire("ready").outcome, "waiting");
});

Deno.test("Under overload who waited too long is shed and the next is served", () => {
  const world = new MachineWorld({ max: 1, overload: OVERLOAD });
  const [holder] = world.lease(1);
  const first = world.acquire();
  world.advance(OVERLOAD.intervalMs);
  world.release(holder!);
  const late = world.acquire();
  // A whole interval in which even the shortest wait was over the target.
  world.advance(OVERLOAD.intervalMs - 1);
  const fresh = world.acquire();
  world.advance(1);
  world.release(first);
  assertEquals(
    [first, late, fresh].map(({ outcome }) => outcome),
    ["granted", "overloaded", "granted"],
  );
});

Deno.test("A queue that stands because nothing comes back is shed all the same", () => {
  const world = new MachineWorld({ max: 1, overload: OVERLOAD });
  const [holder] = world.lease(1);
  const callers = world.acquireMany(3);
  world.advance(5 * OVERLOAD.intervalMs);
  assertEquals(callers.map(({ outcome }) => outcome), [
    "overloaded",
    "overloaded",
    "overloaded",
  ]);
  assertEquals(world.machine.waiters.queue.length, 0);
  world.release(holder!);
  assertEquals(world.acquire().outcome, "granted");
});

Deno.test("Callers whose connections are on their way are not shed, however long those take", () => {
  const world = new MachineWorld({ max: 3, overload: OVERLOAD });
  const callers = world.acquireMany(3);
  world.advance(5 * OVERLOAD.intervalMs);
  for (const _ of callers) world.dialled();
  assertEquals(
    callers.map(({ outcome }) => outcome),
    ["granted", "granted", "granted"],
  );
});

Deno.test("A queue that is longer than what is on its way is shed, beside a dial that hangs", () => {
  const world = new MachineWorld({ max: 1, overload: OVERLOAD });
  const callers = world.acquireMany(2);
  world.advance(5 * OVERLOAD.intervalMs);
  assertEquals(
    callers.map(({ outcome }) => outcome),
    ["overloaded", "overloaded"],
  );
});

Deno.test("A paused pool sheds nobody", () => {
  const world = new MachineWorld({ max: 1, overload: OVERLOAD });
  world.open(1);
  world.step({ kind: "pause" });
  const caller = world.acquire();
  world.advance(5 * OVERLOAD.intervalMs);
  assertEquals(caller.outcome, "waiting");
  world.step({ kind: "resume" });
  assertEquals(caller.outcome, "granted");
});

Deno.test("Without overload limits nobody is shed, however long the queue stands", () => {
  const world = new MachineWorld({ max: 1 });
  world.lease(1);
  const caller = world.acquire();
  world.advance(1_000_000);
  assertEquals(caller.outcome, "waiting");
});
