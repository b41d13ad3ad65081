import type { Limits } from "../../src/core/limits.ts";
import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

const OVERLOAD = { targetMs: 10, intervalMs: 100 };

/** A pool of one connection, which a caller of that kind holds. */
function held(kind: "lease" | "share", limits: Partial<Limits> = {}) {
  const world = new MachineWorld({ max: 1, ...limits });
  const caller = world.acquire(kind);
  world.dialled();
  const { shortCuts } = world.machine;
  return { world, shortCuts, slot: caller.granted };
}

Deno.test("ShortCuts.keep() makes a connection idle, and takeReady() gives it to the next", () => {
  const { world, shortCuts, slot } = held("lease");
  assertEquals(shortCuts.keep(slot, world.now), true);
  assertEquals(slot.state, "idle");
  assertStrictEquals(shortCuts.takeReady("lease", world.now), slot);
  assertEquals(slot.state, "leased");
  assertEquals(shortCuts.takeReady("lease", world.now), undefined);
});

Deno.test("ShortCuts.finish() ends one-shots, and after the last the connection is idle", () => {
  const { world, shortCuts, slot } = held("share");
  world.acquire("share");
  assertEquals(shortCuts.finish(slot, 1, world.now), true);
  assertEquals([slot.state, slot.inFlight], ["shared", 1]);
  assertEquals(shortCuts.finish(slot, 1, world.now), true);
  assertEquals([slot.state, slot.inFlight], ["idle", 0]);
});

Deno.test("What became idle by a short cut is reaped in time", () => {
  const { world, shortCuts, slot } = held("lease", { idleTimeoutMs: 100 });
  shortCuts.keep(slot, world.now);
  assertEquals(world.machine.nextDeadline, world.now + 100);
});

for (const kind of ["lease", "share"] as const) {
  const end = (
    { world, shortCuts, slot }: ReturnType<typeof held>,
  ): boolean =>
    kind === "lease"
      ? shortCuts.keep(slot, world.now)
      : shortCuts.finish(slot, 1, world.now);

  Deno.test(`No short cut ends a ${kind} for whose connection somebody waits`, () => {
    const pool = held(kind);
    pool.world.acquire("lease");
    assertEquals(end(pool), false);
    assertEquals(pool.slot.inFlight, kind === "share" ? 1 : 0);
  });

  Deno.test(`No short cut ends a ${kind} when something is due`, () => {
    const pool = held(kind);
    pool.world.machine.state.nextDeadline = pool.world.now;
    assertEquals(end(pool), false);
  });

  Deno.test(`No short cut ends a ${kind} on a connection that is to be closed`, () => {
    const pool = held(kind);
    pool.world.machine.state.generation++;
    assertEquals(end(pool), false);
  });

  Deno.test(`No short cut ends a ${kind} where the queue is watched`, () => {
    assertEquals(end(held(kind, { overload: OVERLOAD })), false);
  });

  Deno.test(`No short cut ends a ${kind} that is none`, () => {
    const pool = held(kind === "lease" ? "share" : "lease");
    assertEquals(end(pool), false);
  });
}

Deno.test("No short cut ends one-shots on a connection that is to be reset", () => {
  const { world, shortCuts, slot } = held("share");
  world.machine.slots.isolate(slot);
  assertEquals(shortCuts.finish(slot, 1, world.now), false);
});

Deno.test("No short cut gives a connection past somebody's deadline", () => {
  const { world, shortCuts, slot } = held("lease");
  shortCuts.keep(slot, world.now);
  world.machine.state.nextDeadline = world.now;
  assertEquals(shortCuts.takeReady("lease", world.now), undefined);
});
