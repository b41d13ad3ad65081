import { assert, assertEquals, assertNotEquals } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { fakedPool } from "../support/faked_pool.ts";

Deno.test("release() rolls back what is open, and keeps the connection", async () => {
  const { pool, driver } = fakedPool();
  const lease = await pool.acquire();
  await lease.begin();
  await lease.release();
  assertEquals([...driver.sessions][0]!.transactionStatus, "idle");
  const next = await pool.acquire();
  assertEquals(next.pid, lease.pid);
  await next.release();
  await pool.close();
});

Deno.test("release() waits for a cancel under way, and keeps the connection", async () => {
  const { pool } = fakedPool({ max: 1 });
  const lease = await pool.acquire();
  const slow = lease.unsafe("select pg_sleep(30)");
  const outcome = slow.then(() => "ok", ({ code }) => code);
  await nextTurn();
  slow.cancel();
  await lease.release();
  assertEquals(await outcome, "57014");
  const next = await pool.acquire();
  assertEquals(next.pid, lease.pid);
  await next.release();
  await pool.close();
});

Deno.test("a hook that throws costs its connection", async () => {
  for (const name of ["onAcquire", "onRelease", "reset"] as const) {
    let calls = 0;
    const { pool } = fakedPool({
      max: 1,
      [name]: () => {
        if (++calls === 1) throw new Error("Thrown by a hook");
      },
    });
    const lease = await pool.acquire();
    await lease.release();
    const next = await pool.acquire();
    // The first, with onAcquire, was never granted.
    assertEquals(next.pid, 2, name);
    await next.release();
    await pool.close();
  }
});

Deno.test("release() resolves when the connection is lost under a hook that hangs", async () => {
  const { pool, driver } = fakedPool({
    onRelease: () => new Promise(() => {}),
  });
  const lease = await pool.acquire();
  const released = lease.release();
  await nextTurn();
  driver.sessions.forEach((session) => session.destroy());
  await released;
  assertEquals(pool.stats().total, 0);
  await pool.close();
});

Deno.test("a statement that a cancel does not end costs its connection", async () => {
  const { pool, driver, clock } = fakedPool({ max: 1, releaseTimeoutMs: 50 });
  await pool`select 1`;
  const [session] = driver.sessions;
  assert(session !== undefined);
  // Its server is gone, and nobody says so.
  session.cancel = () => new Promise(() => {});
  const asked = pool.with({ timeoutMs: 10 }).unsafe("select pg_sleep(30)");
  const outcome = asked.then(() => "ok", ({ code }) => code);
  await nextTurn();
  clock.advance(10);
  assertEquals(await outcome, "QUERY_TIMEOUT");
  assertEquals(session.isLost, false);
  clock.advance(50);
  assertEquals(session.isLost, true);
  await pool`select 1`;
  assertNotEquals([...driver.sessions][0], session);
  await pool.close();
});

Deno.test("a query that runs alone for long lets time pass", async () => {
  const { pool, clock, driver } = fakedPool({ max: 1 });
  const asked = pool.unsafe("alone pg_sleep(30)");
  const slow = asked.then(() => "ok", ({ code }) => code);
  await nextTurn();
  clock.advance(5_000);
  assertEquals(pool.stats().leased, 1);
  driver.sessions.forEach((session) => session.destroy());
  assertEquals(await slow, "CONNECTION_LOST");
  await pool.close();
});
