import { ConnectionLostError } from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest, type PoolWorld, poolWorld } from "../support/pool_world.ts";
import { Random } from "../simulation/random.ts";

poolTest(
  "Promise 11: the 57P01 of a killed session reaches whoever held it, and nobody else",
  async (t) => {
    await using world = poolWorld(t, { max: 6 });
    const { pool } = world;
    let errors = 0;
    let kills = 0;
    await Promise.all(Array.from({ length: 120 }, async (_, index) => {
      await using lease = await pool.acquire();
      const isVictim = index % 6 === 0;
      if (isVictim) {
        const running = lease`select pg_sleep(60)`.execute();
        running.catch(() => {});
        kills++;
        await world.kill(lease.pid);
        const error = await assertRejects(
          async () => await running,
          ConnectionLostError,
        );
        assertEquals(error.sqlState, "57P01");
        errors++;
      } else {
        // Anything that fails here was caused by somebody else.
        assertEquals((await lease`select ${index}::int as n`)[0]?.n, index);
        await lease`select pg_sleep(0.001)`;
      }
    }));
    assertEquals(errors, kills);
    assertEquals(pool.stats().lost, kills);
  },
);

poolTest(
  "Promise 11: sessions killed while idle are nobody's error",
  async (t) => {
    await using world = poolWorld(t, { max: 4 });
    const { pool } = world;
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from(
          { length: 8 },
          () => pool.use((connection) => connection`select pg_sleep(0.001)`),
        ),
      );
      const lost = pool.stats().lost;
      const pids = await world.pids();
      await world.kill(...pids);
      await eventually(
        "it is known",
        () => pool.stats().lost === lost + pids.length,
      );
      // The very next ones, of every kind.
      assertEquals((await pool`select 1 as one`)[0]?.one, 1);
      await pool.use((connection) => connection`select 1`);
      await pool.transaction((tx) => tx`select 1`);
    }
  },
);

poolTest(
  "Promise 11: after 200 cancelled statements there is no stray 57014 for anybody",
  async (t) => {
    await using world = poolWorld(t, { max: 4 });
    const { pool } = world;
    const random = new Random(11);
    let cancelled = 0;
    let clean = 0;
    await Promise.all([
      ...Array.from({ length: 200 }, async (_, index) => {
        const signal = AbortSignal.timeout(1 + random.below(30));
        const seconds = random.below(20) / 1_000;
        const isLease = random.chance(0.5);
        try {
          const run = isLease
            ? pool.use((connection) =>
              connection.with({
                signal,
              })`select pg_sleep(${seconds}), ${index}::int as n`
            )
            : pool.with({
              signal,
            })`select pg_sleep(${seconds}), ${index}::int as n`;
          assertEquals((await run)[0]?.n, index);
        } catch (error) {
          assertEquals(error, signal.reason);
          cancelled++;
        }
      }),
      ...Array.from({ length: 200 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, random.below(200)));
        const rows = index % 2 === 0
          ? await pool`select ${index}::int as n`
          : await pool.use((connection) =>
            connection`select ${index}::int as n`
          );
        assertEquals(rows[0]?.n, index);
        clean++;
      }),
    ]);
    assert(cancelled > 50, `only ${cancelled} were cancelled`);
    assertEquals(clean, 200);
  },
);

poolTest(
  "Promise 11: whoever comes after a cancelled statement on the same connection is not hit, 100 times",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (let round = 0; round < 100; round++) {
      const controller = new AbortController();
      const { signal } = controller;
      // Ends about when the cancel request arrives.
      const run = pool.with({ signal })`select pg_sleep(0.001)`.execute();
      const next = pool`select pg_sleep(0.001), 1 as one`.execute();
      setTimeout(() => controller.abort(new Error("Enough")), round % 4);
      await run.catch((error) => assertEquals(error.message, "Enough"));
      assertEquals((await next)[0]?.one, 1);
      await using lease = await pool.acquire();
      assertEquals((await lease`select 1 as one`)[0]?.one, 1);
    }
    assertEquals(pool.stats().opened, 1, "a cancel cost a connection");
  },
);

poolTest(
  "Promise 11: a query.cancel() of one caller does not touch the one-shots beside it",
  async (t) => {
    await using world = poolWorld(t, { max: 1, pipeline: 16 });
    const { pool } = world;
    for (let round = 0; round < 10; round++) {
      // What the victim waits for is let go only when the others are to run.
      await world.admin`select pg_advisory_lock(4711)`;
      const before = pool`select ${round}::int as n`.execute();
      const victim = pool`select pg_advisory_xact_lock(4711)`.execute();
      const after = Array.from(
        { length: 5 },
        (_, index) => pool`select ${index}::int as n`.execute(),
      );
      await before;
      victim.cancel();
      const error = await assertRejects(async () => await victim);
      assertInstanceOf(error, Error);
      assertEquals((error as Error & { code: string }).code, "57014");
      await world.admin`select pg_advisory_unlock(4711)`;
      for (const [index, query] of after.entries()) {
        assertEquals((await query)[0]?.n, index);
      }
    }
  },
);

poolTest(
  "Promise 11: a statement_timeout of one caller is that caller's error alone",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    const slow = pool.transaction(async (tx) => {
      await tx`set local statement_timeout = '10ms'`;
      await tx`select pg_sleep(10)`;
    });
    const others = Array.from(
      { length: 50 },
      (_, n) => pool`select ${n}::int as n`,
    );
    const error = await assertRejects(() => slow, pool.PostgresError);
    assertEquals((error as Error & { code: string }).code, "57014");
    for (const [index, query] of others.entries()) {
      assertEquals((await query)[0]?.n, index);
    }
    assertEquals(
      (await pool`show statement_timeout`)[0]?.statement_timeout,
      "0",
    );
  },
);

poolTest(
  "Promise 11: a failing one-shot among 100 on one connection fails alone",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const results = await Promise.allSettled(
      Array.from(
        { length: 100 },
        (_, index) =>
          index % 7 === 0
            ? pool`select ${index}::int / 0 as n`
            : pool`select ${index}::int as n`,
      ),
    );
    for (const [index, result] of results.entries()) {
      if (index % 7 === 0) {
        assert(result.status === "rejected");
        assertEquals(result.reason.code, "22012");
      } else {
        assert(result.status === "fulfilled");
        assertEquals(result.value[0]?.n, index);
      }
    }
    assertEquals(pool.stats().opened, 1);
  },
);

Deno.test("Promise 11: a pool that is closed by force tells of a lost connection, not of its cancelling", async (test) => {
  await using world = poolWorld(test, { max: 1 });
  const { pool } = world;
  const lease = await pool.acquire();
  const running = lease`select pg_sleep(60)`.execute();
  await eventually("it runs", () => isActive(world));
  await pool.close({ force: true });
  const error = await assertRejects(async () => await running);
  assertInstanceOf(error, ConnectionLostError);
  assertEquals(error.sent, true);
});

Deno.test("Promise 11: a lease destroyed while it runs tells of a lost connection", async (test) => {
  await using world = poolWorld(test, { max: 1 });
  const lease = await world.pool.acquire();
  const running = lease`select pg_sleep(60)`.execute();
  await eventually("it runs", () => isActive(world));
  lease.destroy();
  const error = await assertRejects(async () => await running);
  assertInstanceOf(error, ConnectionLostError);
});

async function isActive(
  { admin, applicationName }: PoolWorld,
): Promise<boolean> {
  const rows = await admin`
    select 1 from pg_stat_activity
    where application_name = ${applicationName} and state = 'active'`;
  return rows.length > 0;
}
