import {
  CallerContext,
  callerContext,
  type HeldLease,
  type Holding,
} from "../../src/shell/caller_context.ts";
import { assertEquals } from "../support/assert.ts";

const POOL = {};

function leaseOf(pool = POOL): HeldLease {
  return { pool, hasEnded: false, nestedWaiters: 0 };
}

/** A runtime with a single flow. */
function contextOf(): {
  readonly context: CallerContext;
  store(): Holding | undefined;
} {
  let store: Holding | undefined;
  const context = new CallerContext(() => ({
    getStore: () => store,
    enterWith: (holding) => store = holding,
    run: (_, call) => call(),
  }));
  return { context, store: () => store };
}

function depthOf(holding: Holding | undefined): number {
  return holding === undefined ? 0 : 1 + depthOf(holding.parent);
}

Deno.test("a flow holds what it was noted to hold, the latest first, each once", () => {
  const { context, store } = contextOf();
  const [one, two] = [leaseOf(), leaseOf()];
  for (const lease of [one, two, one, two]) context.hold(lease);
  assertEquals(context.heldOf(POOL).map((lease) => lease === two), [
    true,
    false,
  ]);
  assertEquals(depthOf(store()), 2);
});

Deno.test("what a flow holds of another pool is not held of this one", () => {
  const { context } = contextOf();
  context.hold(leaseOf({}));
  assertEquals(context.heldOf(POOL), []);
});

Deno.test("a lease that has ended is not held", () => {
  const { context } = contextOf();
  const lease = leaseOf();
  context.hold(lease);
  lease.hasEnded = true;
  assertEquals(context.heldOf(POOL), []);
});

Deno.test("a flow that takes the next before it gives the last back keeps no more than it holds", () => {
  const { context, store } = contextOf();
  let last = leaseOf();
  context.hold(last);
  for (let round = 0; round < 100; round++) {
    const next = leaseOf();
    context.hold(next);
    last.hasEnded = true;
    last = next;
  }
  assertEquals(depthOf(store()), 2);
});

Deno.test("where the runtime follows no flows nothing is held, and nothing fails", () => {
  const context = new CallerContext(() => undefined);
  for (let times = 0; times < 2; times++) {
    context.prepare();
    context.hold(leaseOf());
    assertEquals(context.heldOf(POOL), []);
  }
});

Deno.test("the first lease to be held is noted, too", () => {
  const { context } = contextOf();
  context.hold(leaseOf());
  assertEquals(context.heldOf(POOL).length, 1);
});

Deno.test("this runtime follows each flow, what it starts, and no sibling", async () => {
  callerContext.prepare();
  const count = () => callerContext.heldOf(POOL).length;
  const flow = async (holds: boolean): Promise<number[]> => {
    await undefined;
    if (holds) callerContext.hold(leaseOf());
    await new Promise((resolve) => setTimeout(resolve, 0));
    const started = await (async () => (await undefined, count()))();
    return [count(), started];
  };
  const before = count();
  assertEquals(
    await Promise.all([flow(true), flow(false), flow(true)]),
    [[1, 1], [0, 0], [1, 1]],
  );
  assertEquals([before, count()], [0, 0]);
});
