import { AcquireTimeoutError, type ConnectionHook } from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotEquals,
} from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { fakedPool } from "../support/faked_pool.ts";
import type { FakeSession } from "../support/fake_session.ts";

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
    const { pool, clock } = fakedPool({
      max: 1,
      [name]: () => {
        if (++calls === 1) throw new Error("Thrown by a hook");
      },
    });
    const acquiring = pool.acquire();
    await nextTurn();
    clock.advance(50); // the next is not opened at once
    const lease = await acquiring;
    await lease.release();
    const next = await pool.acquire();
    // The first, with onAcquire, was never granted.
    assertEquals(next.pid, 2, name);
    await next.release();
    await pool.close();
  }
});

const THROWS: Record<string, ConnectionHook> = {
  "always throws": () => {
    throw new Error("Thrown by a hook");
  },
  "throws late": async () => {
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    throw new Error("Thrown by a hook");
  },
  "loses its connection": async () => {
    dying.forEach((session) => session.destroy());
    await nextTurn();
    throw new Error("Thrown by a hook");
  },
};
let dying: ReadonlySet<FakeSession> = new Set();

for (const [what, onAcquire] of Object.entries(THROWS)) {
  Deno.test(`an onAcquire that ${what} has no more connections opened than fail`, async () => {
    const { pool, clock, driver } = fakedPool({
      max: 10,
      acquireTimeoutMs: 2_000,
      onAcquire,
    });
    dying = driver.sessions;
    let opened = 0;
    pool.addEventListener("open", () => opened++);
    const asked = Array.from({ length: 10 }, () => pool.acquire());
    const told = Promise.all(asked.map((one) => one.catch((error) => error)));
    for (let now = 0; now < 2_000; now += 10) {
      await nextTurn();
      clock.advance(10);
    }
    // Ten at first, and one for each that is lost before its hook has thrown;
    // then one or two at a time, each after twice the time.
    assert(opened >= 12 && opened <= 20 + 2 * 7, `${opened} were opened`);
    for (const error of await told) {
      assertInstanceOf(error, AcquireTimeoutError);
      assertMatch((error.cause as Error).message, /Thrown by a hook|was lost/);
    }
    // Who needs no hook is served at once.
    await pool`select 1`;
    await pool.close();
  });
}

Deno.test("a hook that ends well is the end of its errors", async () => {
  let calls = 0;
  const { pool, clock } = fakedPool({
    max: 1,
    acquireTimeoutMs: 100,
    onAcquire() {
      if (++calls === 1) throw new Error("Thrown by a hook");
    },
  });
  const asked = pool.acquire();
  await nextTurn();
  clock.advance(50);
  const lease = await asked;
  const busy = pool.acquire().catch((error) => error);
  clock.advance(100);
  assertEquals((await busy).cause, undefined);
  await lease.release();
  await pool.close();
});

Deno.test("a hook that fails on a connection of one-shots counts as a dial that failed", async () => {
  let calls = 0;
  const { pool, clock } = fakedPool({
    max: 1,
    onAcquire() {
      if (++calls === 1) throw new Error("Thrown by a hook");
    },
  });
  await pool`select 1`;
  const asked = pool.acquire();
  await nextTurn();
  assertEquals(pool.stats().connecting, 0);
  clock.advance(50);
  await (await asked).release();
  assertEquals(pool.stats().opened, 2);
  await pool.close();
});

Deno.test("a server that does not answer has a second, and a hook its own time", async () => {
  const { pool, clock, driver } = fakedPool({
    max: 1,
    connectTimeoutMs: 5_000,
    async onAcquire(connection) {
      await connection`select pg_sleep(30)`;
    },
  });
  const told: string[] = [];
  pool.addEventListener("hookerror", ({ hook, error }) => {
    told.push(`${hook}: ${(error as Error).message}`);
  });
  await pool`select 1`;
  const [session] = driver.sessions;
  session!.command = () => new Promise(() => {});
  clock.advance(3_000);
  pool.acquire().catch(() => {});
  await nextTurn();
  clock.advance(999);
  assertEquals(pool.stats().closed.validation, 0);
  clock.advance(1);
  assertEquals(pool.stats().closed.validation, 1);
  // What replaced it is new: it need not answer, and its hook hangs.
  await nextTurn();
  await nextTurn();
  clock.advance(4_999);
  assertEquals(pool.stats().closed.validation, 1);
  clock.advance(1);
  assertEquals(pool.stats().closed.validation, 2);
  await nextTurn();
  assertEquals(told, [
    "onAcquire: Cannot use the connection: onAcquire did not end within 5000 ms",
  ]);
  await pool.close({ force: true });
});

Deno.test("an onConnect that hangs is told from a server that does not answer", async () => {
  const { pool, clock } = fakedPool({
    connectTimeoutMs: 500,
    onConnect: () => new Promise(() => {}),
  });
  const told: string[] = [];
  pool.addEventListener("openerror", ({ error }) => told.push(error.message));
  pool.acquire().catch(() => {});
  await nextTurn();
  clock.advance(500);
  await nextTurn();
  assertEquals(told, [
    "Cannot open a connection: onConnect did not end within 500 ms",
  ]);
  await pool.close({ force: true });
});

Deno.test("a reset of the session that does not end is told, and costs its connection", async () => {
  const { pool, driver, clock } = fakedPool({
    reset: "session",
    releaseTimeoutMs: 500,
  });
  const told: string[] = [];
  pool.addEventListener("hookerror", ({ hook, error }) => {
    told.push(`${hook}: ${(error as Error).message}`);
  });
  const lease = await pool.acquire();
  await lease`select 1`;
  const [session] = driver.sessions;
  const { promise, reject } = Promise.withResolvers<never>();
  session!.command = () => promise;
  const released = lease.release();
  await nextTurn();
  clock.advance(500);
  reject(new Error("Its connection is gone"));
  await released;
  await nextTurn();
  assertEquals(told, [
    "reset: Cannot use the connection: reset did not end within 500 ms",
  ]);
  assertEquals(pool.stats().closed.reset, 1);
  await pool.close({ force: true });
});

Deno.test("a hook cannot detach the connection that it is lent", async () => {
  const told: unknown[] = [];
  const { pool } = fakedPool({
    onAcquire(connection) {
      try {
        connection.detach();
      } catch (error) {
        told.push((error as Error).message);
      }
    },
  });
  await (await pool.acquire()).release();
  assertEquals(told, [
    "Cannot detach the connection: a hook has only a loan",
  ]);
  await pool.close();
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
