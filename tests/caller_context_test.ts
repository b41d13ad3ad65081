import {
  CallerContext,
  callerContext,
  type Holding,
  isHeld,
} from "../src/caller_context.ts";
import type { Member, MemberOwner } from "../src/member.ts";
import { assertEquals } from "./support/assert.ts";

const POOL = {} as MemberOwner;

/** As much of a leased connection as is looked at. */
function memberOf(owner = POOL): Member {
  const member = { owner, leases: 1, slot: { state: "leased" } };
  return member as unknown as Member;
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

function end({ slot }: Member): void {
  (slot as { state: string }).state = "releasing";
}

function depthOf(holding: Holding | undefined): number {
  return holding === undefined ? 0 : 1 + depthOf(holding.parent);
}

Deno.test("a flow holds what it was noted to hold, the latest first, each once", () => {
  const { context, store } = contextOf();
  const [one, two] = [memberOf(), memberOf()];
  for (const member of [one, two, one, two]) context.hold(member);
  assertEquals(context.heldOf(POOL).map(({ member }) => member === two), [
    true,
    false,
  ]);
  assertEquals(depthOf(store()), 2);
});

Deno.test("what a flow holds of another pool is not held of this one", () => {
  const { context } = contextOf();
  context.hold(memberOf({} as MemberOwner));
  assertEquals(context.heldOf(POOL), []);
});

Deno.test("a lease that has ended is not held, nor is the next one of its connection", () => {
  const { context, store } = contextOf();
  const member = memberOf();
  context.hold(member);
  end(member);
  assertEquals(context.heldOf(POOL), []);
  Object.assign(member, memberOf(), { leases: 2 });
  assertEquals([context.heldOf(POOL), isHeld(store()!)], [[], false]);
});

Deno.test("a connection that is not leased cannot be held", () => {
  const { context, store } = contextOf();
  const member = memberOf();
  end(member);
  context.hold(member);
  assertEquals(store(), undefined);
});

Deno.test("a flow that takes the next before it gives the last back keeps no more than it holds", () => {
  const { context, store } = contextOf();
  let last = memberOf();
  context.hold(last);
  for (let round = 0; round < 100; round++) {
    const next = memberOf();
    context.hold(next);
    end(last);
    last = next;
  }
  assertEquals(depthOf(store()), 2);
});

Deno.test("where the runtime follows no flows nothing is held, and nothing fails", () => {
  const context = new CallerContext(() => undefined);
  for (let times = 0; times < 2; times++) {
    context.prepare();
    context.hold(memberOf());
    assertEquals(context.heldOf(POOL), []);
  }
});

Deno.test("the first lease to be held is noted, too", () => {
  const { context } = contextOf();
  context.hold(memberOf());
  assertEquals(context.heldOf(POOL).length, 1);
});

Deno.test("this runtime follows each flow, what it starts, and no sibling", async () => {
  callerContext.prepare();
  const count = () => callerContext.heldOf(POOL).length;
  const flow = async (holds: boolean): Promise<number[]> => {
    await undefined;
    if (holds) callerContext.hold(memberOf());
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
