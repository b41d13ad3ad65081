import { assert, assertEquals } from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import { GatedTransport } from "../support/gated_transport.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

poolTest(
  "Promise 6: what is returned serves the queue before new dials land",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, { max: 5, transport: gate.connect });
    const { pool } = world;
    const first = pool.acquire();
    await eventually("a dial began", () => gate.waiting.length === 1);
    gate.openNext();
    const held = await first;
    const pids: number[] = [];
    const spike = Array.from(
      { length: 50 },
      () =>
        pool.use(async (connection) => {
          await connection`select 1`;
          pids.push(connection.pid);
        }),
    );
    await eventually("dials began", () => gate.waiting.length === 4);
    await held.release();
    await Promise.all(spike);
    assertEquals(new Set(pids), new Set([held.pid]));
    assertEquals(gate.begun, 5);
    gate.openAll();
    await eventually("those dials are kept", () => pool.stats().idle === 5);
  },
);

poolTest(
  "Promise 6: a spike of 50 that is over at once dials no more than it began with",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, { max: 20, transport: gate.connect });
    const { pool } = world;
    const first = pool.acquire();
    await eventually("a dial began", () => gate.waiting.length === 1);
    gate.openNext();
    const held = await first;
    const controller = new AbortController();
    const { signal } = controller;
    const spike = Array.from({ length: 3 }, () => pool.acquire({ signal }));
    await eventually("dials began", () => gate.waiting.length === 3);
    controller.abort();
    await Promise.allSettled(spike);
    // Others come and go while those dials are under way: no further dial.
    for (let round = 0; round < 3; round++) {
      const again = new AbortController();
      const asked = pool.acquire({ signal: again.signal });
      await nextTurn();
      again.abort();
      await asked.catch(() => {});
    }
    await held.release();
    await nextTurn();
    assertEquals(gate.begun, 4);
    gate.openAll();
    await eventually("they land", () => pool.stats().idle === 4);
  },
);

poolTest(
  "Promise 6: as many dials as waiters, not as many as max",
  async (t) => {
    await using world = poolWorld(t, { max: 20 });
    const { pool } = world;
    await Promise.all(Array.from({ length: 3 }, () => pool.use(nextTurn)));
    assert(pool.stats().opened <= 3, `${pool.stats().opened} were opened`);
  },
);

poolTest(
  "Promise 6: dials stop when demand stops, failing ones too",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, { max: 3, transport: gate.connect });
    const { pool } = world;
    const controller = new AbortController();
    const { signal } = controller;
    const asked = Array.from({ length: 3 }, () => pool.acquire({ signal }));
    await eventually("dials began", () => gate.waiting.length === 3);
    controller.abort();
    await Promise.allSettled(asked);
    for (const dial of gate.waiting.splice(0)) {
      dial.fail(Object.assign(new Error("Refused"), { code: "ECONNREFUSED" }));
    }
    await eventually("they failed", () => pool.stats().openErrors === 3);
    // Longer than the backoff's first step: a dial would have begun by now.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assertEquals(gate.begun, 3);
    assertEquals(pool.stats().total, 0);
  },
);

poolTest(
  "Promise 6: a spike of one-shots ends with no more than max, and all answers right",
  async (t) => {
    await using world = poolWorld(t, { max: 4 });
    const { pool } = world;
    const answers = await Promise.all(
      Array.from(
        { length: 1_000 },
        (_, index) => pool`select ${index}::int as n`,
      ),
    );
    assertEquals(
      answers.map(([row]) => row?.n),
      answers.map((_, index) => index),
    );
    assertEquals(pool.stats().queries, 1_000);
    assert(pool.stats().opened <= 4);
  },
);
