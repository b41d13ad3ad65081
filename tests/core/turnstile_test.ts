import type { Limits } from "../../src/core/limits.ts";
import { assertEquals, assertStrictEquals } from "../support/assert.ts";
import { MachineWorld } from "../support/machine_world.ts";

const OVERLOAD = { targetMs: 10, intervalMs: 100 };

/** A pool of one connection, which a caller of that kind holds. */
function held(kind: "lease" | "share", limits: Partial<Limits> = {}) {
  const world = new MachineWorld({ max: 1, ...limits });
  const caller = world.acquire(kind);
  world.dialled();
  const { turnstile } = world.machine;
  return { world, turnstile, slot: caller.granted };
}

Deno.test("Turnstile.keep() makes a connection idle, and takeReady() gives it to the next", () => {
  const { world, turnstile, slot } = held("lease");
  assertEquals(turnstile.keep(slot, world.now), true);
  assertEquals(slot.state, "idle");
  assertStrictEquals(turnstile.takeReady("lease", world.now), slot);
  assertEquals(slot.state, "leased");
  assertEquals(turnstile.takeReady("lease", world.now), undefined);
});

Deno.test("Turnstile.finish() ends one-shots, and after the last the connection is idle", () => {
  const { world, turnstile, slot } = held("share");
  world.acquire("share");
  assertEquals(turnstile.finish(slot, 1, world.now), true);
  assertEquals([slot.state, slot.inFlight], ["shared", 1]);
  assertEquals(turnstile.finish(slot, 1, world.now), true);
  assertEquals([slot.state, slot.inFlight], ["idle", 0]);
});

Deno.test("Turnstile.passOn() lends a leased connection to who waits longest", () => {
  const { world, turnstile, slot } = held("lease");
  const [first, second] = [world.acquire("lease"), world.acquire("lease")];
  world.advance(1);
  assertStrictEquals(turnstile.passOn(slot, world.now), first);
  assertEquals([first.state, second.state], ["granted", "queued"]);
  assertEquals([slot.state, slot.uses], ["leased", 2]);
  assertEquals(slot.heardAt, world.now);
});

const NO_PASSING: Record<string, (pool: ReturnType<typeof held>) => void> = {
  "when nobody waits": () => {},
  "to a one-shot": ({ world }) => void world.acquire("share"),
  "before a one-shot that could be served then": ({ world }) => {
    world.acquire("lease");
    world.acquire("share");
  },
  "when something is due": ({ world }) => {
    world.acquire("lease");
    world.machine.state.nextDeadline = world.now;
  },
  "that is to be closed": ({ world }) => {
    world.acquire("lease");
    world.machine.state.generation++;
  },
  "while the pool is paused": ({ world }) => {
    world.acquire("lease");
    world.machine.state.isPaused = true;
  },
};

for (const [when, arrange] of Object.entries(NO_PASSING)) {
  Deno.test(`No short cut passes a connection on ${when}`, () => {
    const pool = held("lease");
    arrange(pool);
    assertEquals(pool.turnstile.passOn(pool.slot, pool.world.now), undefined);
    assertEquals(pool.slot.uses, 1);
  });
}

Deno.test("No short cut passes a connection on where a hook must run first", () => {
  const world = new MachineWorld({ max: 1, hasAcquireHook: true });
  const [first, second] = [world.acquire("lease"), world.acquire("lease")];
  world.dialled();
  world.prepared();
  const { turnstile } = world.machine;
  assertEquals(turnstile.passOn(first.granted, world.now), undefined);
  assertEquals(second.state, "queued");
});

Deno.test("No short cut passes on a connection that one-shots share", () => {
  const { world, turnstile, slot } = held("share");
  world.acquire("lease");
  assertEquals(turnstile.passOn(slot, world.now), undefined);
});

Deno.test("No short cut passes a connection on where the queue is watched", () => {
  const { world, turnstile, slot } = held("lease", { overload: OVERLOAD });
  world.acquire("lease");
  assertEquals(turnstile.passOn(slot, world.now), undefined);
});

Deno.test("What became idle by a short cut is reaped in time", () => {
  const { world, turnstile, slot } = held("lease", { idleTimeoutMs: 100 });
  turnstile.keep(slot, world.now);
  assertEquals(world.machine.nextDeadline, world.now + 100);
});

for (const kind of ["lease", "share"] as const) {
  const end = (
    { world, turnstile, slot }: ReturnType<typeof held>,
  ): boolean =>
    kind === "lease"
      ? turnstile.keep(slot, world.now)
      : turnstile.finish(slot, 1, world.now);

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
  const { world, turnstile, slot } = held("share");
  world.machine.slots.isolate(slot);
  assertEquals(turnstile.finish(slot, 1, world.now), false);
});

Deno.test("No short cut gives a connection past somebody's deadline", () => {
  const { world, turnstile, slot } = held("lease");
  turnstile.keep(slot, world.now);
  world.machine.state.nextDeadline = world.now;
  assertEquals(turnstile.takeReady("lease", world.now), undefined);
});
