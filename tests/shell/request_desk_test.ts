import { AcquireTimeoutError } from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import type { FakeSession } from "../support/fake_session.ts";
import type { FakeStatement } from "../support/fake_statement.ts";
import { fakedPool } from "../support/faked_pool.ts";

Deno.test("a lifetime that has just ended is not missed by a clock that is late", async () => {
  const { pool, clock } = fakedPool({ max: 1, maxLifetimeMs: 1_000 });
  clock.lagMs = 1;
  clock.recent = () => clock.now() - 0.9;
  const first = await pool.acquire();
  await first.release();
  clock.stall(500);
  const again = await pool.acquire();
  assertEquals(again.pid, first.pid);
  await again.release();
  clock.stall(500);
  const next = await pool.acquire();
  assertEquals(next.pid === first.pid, false);
  await next.release();
  await pool.close();
});

Deno.test("a time is not up early by a clock that is late", async () => {
  const { pool, clock } = fakedPool({ max: 1 });
  await (await pool.acquire()).release();
  pool.pause();
  clock.lagMs = 1;
  clock.recent = () => clock.now() - 0.9;
  let isTurnedAway = false;
  const late = assertRejects(
    () => pool.acquire({ timeoutMs: 100 }),
    AcquireTimeoutError,
  ).then(() => isTurnedAway = true);
  clock.advance(99.9);
  // Whatever happens makes the pool look at the time.
  pool.pause();
  assertEquals([pool.stats().waiting, isTurnedAway], [1, false]);
  clock.advance(2);
  await late;
  await pool.close();
});

Deno.test("a one-shot that is sent again after a sleep is not sent where nobody has looked", async () => {
  const { pool, driver, clock } = fakedPool({ max: 2 });
  const leases = [await pool.acquire(), await pool.acquire()];
  for (const lease of leases) await lease.release();
  const [other, top] = [...driver.sessions] as [FakeSession, FakeSession];
  top.isCorked = true;
  const query = pool`select 1`.execute();
  await Promise.resolve();
  clock.sleep(7_200_000);
  clock.advance(1);
  const run = other.run.bind(other);
  const ran: string[] = [];
  other.run = (statement) => {
    ran.push((statement as FakeStatement).text);
    run(statement);
  };
  top.destroy();
  await query;
  assertEquals(ran, ["", "select 1"], "first it is asked for an answer");
  await pool.close();
});

Deno.test("time passes for who waits although the date stands still", async () => {
  const { pool, clock } = fakedPool({ max: 1 });
  const lease = await pool.acquire();
  const stoppedAt = clock.now();
  clock.recent = () => stoppedAt;
  clock.advance(600);
  const next = pool.acquire({ timeoutMs: 500 });
  pool.resume();
  assertEquals(pool.stats().waiting, 1);
  await lease.release();
  await (await next).release();
  await pool.close();
});

Deno.test("an acquire that times out says that the pool is paused, if it is", async () => {
  const { pool, clock } = fakedPool({ max: 1 });
  for (const isPaused of [true, false]) {
    const lease = isPaused ? pool.pause() : await pool.acquire();
    const late = assertRejects(
      () => pool.acquire({ timeoutMs: 100 }),
      AcquireTimeoutError,
    );
    clock.advance(100);
    const { message, stats } = await late;
    assertEquals(message.includes("; the pool is paused"), isPaused);
    assertEquals(stats.isPaused, isPaused);
    pool.resume();
    await lease?.release();
  }
  await pool.close();
});

Deno.test("Promise 28: who gives up in the turn in which overload would turn him away has given up, and is counted once", async () => {
  const { pool, clock } = fakedPool({
    max: 1,
    overload: { targetMs: 5, intervalMs: 50 },
  });
  const lease = await pool.acquire();
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = pool.acquire({ signal }).catch((error) => error);
  const told: string[] = [];
  pool.addEventListener("acquireerror", ({ error }) => {
    told.push(String(error));
  });
  clock.advance(60); // the first look at the queue
  clock.stall(60);
  controller.abort("enough");
  assertEquals(await waiting, "enough");
  assertEquals(told, []);
  const { requests, acquires, acquireAborts, waiting: left } = pool.stats();
  assertEquals([requests, acquires, acquireAborts, left], [2, 1, 1, 0]);
  assertEquals(pool.stats().acquireOverloads, 0);
  await lease.release();
  await pool.close();
});
