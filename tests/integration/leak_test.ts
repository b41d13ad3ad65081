import { assertEquals } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { poolWorld, worldServer } from "../support/pool_world.ts";
import { runProgram } from "../support/program.ts";

async function forget(
  what: "forgotten_lease" | "nested_handles",
  ...args: string[]
): Promise<Record<string, unknown>> {
  const program = new URL(`./programs/${what}.ts`, import.meta.url);
  const end = await runProgram(program, {
    flags: ["--allow-all", "--v8-flags=--expose-gc"],
    args,
    env: { SERVER_URL: worldServer.url },
  });
  assertEquals([end.code, end.stderr], [0, ""]);
  return JSON.parse(end.stdout);
}

Deno.test("Promise 24: a lease that was collected is taken back, rolled back and counted", async () => {
  assertEquals(await forget("forgotten_lease"), {
    told: ["leaked undefined"],
    leaks: 1,
    isSameSession: true,
    isRolledBack: true,
  });
});

Deno.test("Promise 24: a lease in use is not taken back with the handles that were reserved of it", async () => {
  const expected = { told: "ACQUIRE_TIMEOUT", leaks: 0 };
  assertEquals(await forget("nested_handles"), expected);
});

Deno.test("Promise 24: with leakWarningMs a forgotten lease is named, with where it was acquired", async () => {
  const { told } = await forget("forgotten_lease", "--sites");
  assertEquals(told, ["warned true", "leaked true"]);
});

Deno.test("Promise 24: a lease held for long is named once, and is not taken away", async (test) => {
  await using world = poolWorld(test, { max: 1, leakWarningMs: 20 });
  const { pool } = world;
  const warnings: { heldMs: number; acquiredAt: string | undefined }[] = [];
  pool.addEventListener("leakwarning", (event) => warnings.push(event));
  await using lease = await pool.acquire();
  await eventually("the lease is named", () => warnings.length > 0);
  assertEquals(warnings[0]!.heldMs >= 20, true);
  assertEquals(warnings[0]!.acquiredAt?.includes("leak_test.ts"), true);
  // Long enough that it is held loosely: it is ours all the same.
  await lease`select pg_sleep(1.2)`;
  assertEquals((await lease`select 1 as one`)[0]!.one, 1);
  assertEquals([warnings.length, pool.stats().leaks], [1, 0]);
});

Deno.test("A released lease tells where it was released when the pool records that", async (test) => {
  await using world = poolWorld(test, { max: 1, leakWarningMs: 60_000 });
  const lease = await world.pool.acquire();
  await lease.release();
  const error = await lease`select 1`.catch((error: unknown) => error) as {
    code: string;
    releasedAt: string;
  };
  assertEquals(error.code, "LEASE_RELEASED");
  assertEquals(error.releasedAt.includes("leak_test.ts"), true);
});

Deno.test("10 000 acquires on one signal leave no listener on it", async (test) => {
  await using world = poolWorld(test, { max: 1 });
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  let added = 0;
  for (let round = 0; round < 100; round++) {
    const leases = Array.from(
      { length: 100 },
      () => world.pool.acquire({ signal }).then((lease) => lease.release()),
    );
    added += listeners;
    await Promise.all(leases);
  }
  assertEquals([added > 0, listeners], [true, 0]);
});
