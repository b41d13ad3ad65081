import {
  CallSite,
  placeError,
  placeErrorAt,
  withoutFrames,
} from "../src/call_site.ts";
import {
  AcquireTimeoutError,
  LeaseReleasedError,
  type Pool,
  PoolClosedError,
} from "../mod.ts";
import { assertEquals, assertMatch, assertRejects } from "./support/assert.ts";
import { fakedPool } from "./support/faked_pool.ts";

const SOURCE = new URL("../src/call_site.ts", import.meta.url);

function assertIsHere(site: string | undefined): void {
  const [first = "", ...rest] = site?.split("\n") ?? [];
  assertEquals(first.includes("call_site_test.ts"), true, site);
  const own = rest.filter((frame) => frame.includes("/src/"));
  assertEquals(own, [], "frames of the package");
}

Deno.test("a call site begins where a program calls, and has no frame of the package", async () => {
  const { pool, clock } = fakedPool({ max: 1, leakWarningMs: 1_000 });
  const sites: (string | undefined)[] = [];
  pool.addEventListener("leakwarning", (event) => sites.push(event.acquiredAt));
  const lease = await pool.acquire();
  clock.advance(1_000);
  await lease.release();
  const error = await assertRejects(
    async () => await lease`select 1`,
    LeaseReleasedError,
  );
  assertEquals(sites.length, 1);
  for (const site of [...sites, error.releasedAt]) assertIsHere(site);
  await pool.close();
});

for (const debug of [true, () => {}]) {
  Deno.test(`where a lease was released is known with a debug that is a ${typeof debug}`, async () => {
    const { pool } = fakedPool({ debug });
    const lease = await pool.acquire();
    await lease.release();
    const error = await assertRejects(
      async () => await lease`select 1`,
      LeaseReleasedError,
    );
    assertIsHere(error.releasedAt);
    await pool.close();
  });
}

Deno.test("a call site begins where its entry was called, wherever that stands", () => {
  function entry(): CallSite {
    return inner();
  }
  function inner(): CallSite {
    return new CallSite(entry);
  }
  function caller(): CallSite {
    return entry();
  }
  const [first = ""] = caller().toString().split("\n");
  assertEquals(first.includes("caller"), true, first);
});

Deno.test("a call site has no frame of the runtime", async () => {
  const site = await new Promise<CallSite>((resolve) =>
    setTimeout(() => resolve(new CallSite()))
  );
  const frames = site.toString().split("\n");
  assertEquals(frames.length, 1, site.toString());
});

/** A program that is one file with the package. */
interface Bundle {
  tagged(): string;
  noted(): string;
}

const PROGRAM = `
function tag() {
  return inner();
}
function inner() {
  return new CallSite(tag).toString();
}
export function tagged() {
  return [1].map(() => tag())[0];
}
export function noted() {
  return new CallSite().toString();
}`;

async function withBundle(check: (bundle: Bundle) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/program.ts`;
    await Deno.writeTextFile(file, await Deno.readTextFile(SOURCE) + PROGRAM);
    check(await import(`file://${file}`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("in a bundle, too, a call site begins where its entry was called", async () => {
  await withBundle((bundle) => {
    const [first = "", second = ""] = bundle.tagged().split("\n");
    assertEquals(first.includes("program.ts"), true, first);
    assertEquals(first.includes("inner"), false, first);
    assertEquals(second.includes("tagged"), true, second);
  });
});

Deno.test("in a bundle, a call site without an entry has all frames", async () => {
  await withBundle((bundle) => {
    const frames = bundle.noted().split("\n");
    assertEquals(frames.some((frame) => frame.includes("noted")), true);
  });
});

Deno.test("a call site is empty where a program makes of stacks what it likes", () => {
  const { prepareStackTrace } = Error;
  const site = new CallSite();
  Error.prepareStackTrace = (_, frames) => frames;
  try {
    assertEquals(site.toString(), "");
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
});

Deno.test("a call site is empty where what a program makes of stacks throws", () => {
  const { prepareStackTrace } = Error;
  const site = new CallSite();
  Error.prepareStackTrace = () => {
    throw new RangeError("Refused");
  };
  try {
    assertEquals(site.toString(), "");
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
});

Deno.test("an error that was made without frames is given a place once, and may be changed then", () => {
  const error = withoutFrames(() => new Error("Ours"));
  assertEquals(error.stack, "Error: Ours");
  placeError(error, { origin: "\n    at here" });
  placeError(error, { origin: "\n    at there" });
  assertEquals(error.stack, "Error: Ours\n    at here");
  error.stack += "\n    at home";
  assertEquals(error.stack, "Error: Ours\n    at here\n    at home");
});

Deno.test("an error that is placed where a call was may be changed, too", () => {
  const error = withoutFrames(() => new Error("Ours"));
  const site = new CallSite();
  placeErrorAt(error, site);
  placeErrorAt(error, new CallSite());
  assertEquals(error.stack, `Error: Ours${site.origin}`);
  error.stack += "\n    at home";
  assertEquals(error.stack, `Error: Ours${site.origin}\n    at home`);
});

Deno.test("an error of others, a frozen one and what is none are given no place", () => {
  const theirs = new Error("Theirs");
  const { stack } = theirs;
  const frozen = Object.freeze(withoutFrames(() => new Error("Ours")));
  for (const error of [theirs, frozen, "Text", undefined, Symbol("x")]) {
    placeError(error, { origin: "\n    at here" });
  }
  assertEquals(theirs.stack, stack);
  assertEquals(frozen.stack, "Error: Ours");
});

/** What the stack of an error says, below its message. */
function placeOf(error: Error): string[] {
  return error.stack!.split("\n    ").slice(1);
}

type Ask = (pool: Pool) => Promise<unknown>;

async function load(ask: Ask, pool: Pool): Promise<void> {
  await ask(pool);
}

async function handler(ask: Ask, pool: Pool): Promise<void> {
  await load(ask, pool);
}

const ASKED: readonly [string, Ask][] = [
  ["acquire()", (pool) => pool.acquire()],
  ["reserve()", (pool) => pool.reserve()],
  ["use()", (pool) => pool.use(() => {})],
  ["begin()", (pool) => pool.begin()],
  ["begin(fn)", (pool) => pool.begin(() => {})],
  ["transaction()", (pool) => pool.transaction(() => {})],
];

for (const [name, ask] of ASKED) {
  Deno.test(`who awaits ${name} until its time is up is in the stack of its error`, async () => {
    const { pool, clock } = fakedPool({ max: 1, acquireTimeoutMs: 100 });
    await pool.acquire();
    const asked = assertRejects(
      () => handler(ask, pool),
      AcquireTimeoutError,
    );
    clock.advance(101);
    const [first, second, ...rest] = placeOf(await asked);
    assertMatch(first!, /^at async load \(.*call_site_test/);
    assertMatch(second!, /^at async handler \(.*call_site_test/);
    const own = rest.filter((frame) => frame.includes("/src/"));
    assertEquals(own, [], "frames of the package");
    await pool.close({ force: true });
  });

  Deno.test(`who calls ${name} of a closed pool is in the stack of its error`, async () => {
    const { pool } = fakedPool();
    await pool.close();
    const error = await assertRejects(
      () => handler(ask, pool),
      PoolClosedError,
    );
    const place = placeOf(error);
    assertMatch(place[0]!, /call_site_test/);
    assertEquals(place.some((frame) => frame.startsWith("at load")), true);
    assertEquals(place.filter((frame) => frame.includes("/src/")), []);
  });
}

Deno.test("an error that is placed where a call was has its name and message, and that place, in JSON and stack", async () => {
  const { pool } = fakedPool();
  await pool.close();
  const error = await assertRejects(() => pool.acquire(), PoolClosedError);
  const { name, code } = JSON.parse(JSON.stringify(error));
  assertEquals([name, code], ["PoolClosedError", "POOL_CLOSED"]);
  const [head] = error.stack!.split("\n");
  assertEquals(head, `PoolClosedError: ${error.message}`);
});
