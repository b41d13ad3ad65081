import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { EVENT_TYPES } from "../support/event_types.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest, type PoolWorld, poolWorld } from "../support/pool_world.ts";

// These come of leases that are not given back: other tests are about them.
const OF_LEASES: ReadonlySet<string> = new Set([
  "leakwarning",
  "leak",
  "nestedacquire",
]);
const TYPES = EVENT_TYPES.filter((type) => !OF_LEASES.has(type));

function throwIt(): never {
  throw new Error("An observer's own fault");
}

/** Makes everything happen that there are events about; the pool has two connections at most. */
async function live(world: PoolWorld): Promise<void> {
  const { pool } = world;
  const first = await pool.acquire();
  const second = await pool.acquire();
  await assertRejects(() => pool.acquire({ timeoutMs: 1 }));
  assertEquals([...await first`select 1 as one`], [{ one: 1 }]);
  await first`do $$ begin raise notice 'seen'; end $$`;
  await world.kill(second.pid);
  await eventually("it is lost", () => second.signal.aborted);
  await second.release();
  await first.release();
  const third = await pool.acquire();
  third.destroy();
  const rows = await Promise.all(
    Array.from({ length: 40 }, (_, n) => pool`select ${n}::int as n`),
  );
  assertEquals(rows.map(([row]) => row?.n), rows.map((_, n) => n));
}

for (const way of ["throws", "rejects"] as const) {
  poolTest(`Promise 23: an observer that ${way} changes nothing`, async (t) => {
    const told = new Set<string>();
    let dials = 0;
    await using world = poolWorld(t, {
      max: 2,
      onConnect() {
        if (++dials === 1) throw new Error("The hook's own fault");
      },
    });
    const { pool } = world;
    for (const type of TYPES) {
      pool.addEventListener(type, ({ type }) => {
        told.add(type);
        if (way === "throws") throwIt();
        return Promise.reject(new Error("An observer's own fault"));
      });
    }
    await live(world);
    const { acquires, lost, queries, acquireTimeouts } = pool.stats();
    assertEquals({ acquires, lost, queries, acquireTimeouts }, {
      acquires: 3,
      lost: 1,
      queries: 40,
      acquireTimeouts: 1,
    });
    await pool.close();
    for (const type of TYPES) assert(told.has(type), `${type} was never told`);
  });
}

poolTest(
  "Promise 23: an observer that throws does not keep others from being told",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const told: string[] = [];
    pool.addEventListener("open", throwIt);
    pool.addEventListener("open", ({ type }) => told.push(type));
    pool.addEventListener("listenererror", ({ eventType, error }) => {
      told.push(`${eventType}: ${(error as Error).message}`);
    });
    pool.addEventListener("listenererror", throwIt);
    await pool`select 1`;
    assertEquals(told, ["open: An observer's own fault", "open"]);
  },
);

poolTest(
  "A listener with options is refused: they would not be heeded",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const pool = world.pool as unknown as EventTarget;
    assertThrows(
      () => pool.addEventListener("open", () => {}, { once: true }),
      TypeError,
      "not heeded",
    );
  },
);

poolTest(
  "Promise 23: what onnotice and onparameter throw is told, and has its frames",
  async (t) => {
    const thrown: Error[] = [];
    const fail = () => {
      throw thrown[thrown.push(new Error("Observed")) - 1];
    };
    await using world = poolWorld(t, {
      max: 1,
      onnotice: fail,
      onparameter: fail,
    });
    const { pool } = world;
    const told = new Map<string, unknown>();
    pool.addEventListener("listenererror", ({ eventType, error }) => {
      told.set(eventType, error);
    });
    await pool.unsafe("do $$ begin raise notice 'Seen'; end $$");
    assertEquals([...told.keys()].sort(), ["onnotice", "onparameter"]);
    for (const { stack } of thrown) assertMatch(stack!, /observers_test/);
  },
);

poolTest(
  "Promise 23: an observer cannot change what others are told",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const pids: number[] = [];
    pool.addEventListener("open", (event) => {
      Object.assign(event, { pid: -1 });
    });
    pool.addEventListener("open", ({ pid }) => pids.push(pid));
    await using lease = await pool.acquire();
    assertEquals(pids, [lease.pid]);
  },
);

poolTest(
  "Promise 23: an observer may use the pool, and close it",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    const asked: Promise<unknown>[] = [];
    pool.addEventListener("release", () => {
      if (asked.length < 5) asked.push(pool.use((lease) => lease`select 1`));
      else void pool.close();
    });
    await pool.use((lease) => lease`select 1`);
    await eventually("all have asked", () => asked.length === 5);
    await Promise.allSettled(asked);
    await eventually("it is closed", () => pool.stats().total === 0);
  },
);

for (const way of ["throws", "rejects"] as const) {
  poolTest(
    `Promise 23: onnotice, onparameter and debug that ${way} change nothing`,
    async (t) => {
      const calls = new Set<string>();
      const spoil = (name: string) => (): void => {
        calls.add(name);
        if (way === "throws") throwIt();
        return Promise.reject(new Error("An observer's own fault")) as never;
      };
      await using world = poolWorld(t, {
        max: 2,
        onnotice: spoil("onnotice"),
        onparameter: spoil("onparameter"),
        debug: spoil("debug"),
      });
      const { pool } = world;
      await live(world);
      await pool`set application_name = 'other'`;
      await pool`select set_config('application_name', ${world.applicationName}, false)`;
      assertEquals(calls, new Set(["onparameter", "debug", "onnotice"]));
    },
  );
}
