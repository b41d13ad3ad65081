/** Cursors and COPYs that were just started when a command of ours comes: their server has not answered yet. */
import type { Readable, Writable } from "node:stream";
import { ConnectionBusyError, type Transaction } from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { makeTable } from "../support/number_table.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

const FOR_EVER = new Promise<void>(() => {});

// More than what lies between its server and its reader can hold.
const LONG =
  "copy (select repeat('x', 1000) from generate_series(1, 20000)) to stdout";

const SERIES = "select generate_series(1, 9) as n";

async function loop(tx: Transaction, look: () => unknown): Promise<void> {
  for await (const _ of tx.unsafe(SERIES).cursor(2)) await look();
}

/** Starts what waits for its user, who never comes, and answers what he is told. */
type Start = (tx: Transaction) => PromiseLike<unknown>;

const STARTED: Record<string, Start> = {
  "a COPY to write": (tx) => tx`copy copied from stdin`.writable(),
  "a COPY that is executed": (tx) => tx`copy copied from stdin`.execute(),
  "a COPY behind another statement": (tx) => {
    void tx`select pg_sleep(0.01)`.execute();
    return tx`copy copied from stdin`.execute();
  },
  "a COPY with another statement behind it": (tx) => {
    const copy = tx`copy copied from stdin`.execute();
    void tx`select 1`.execute();
    return copy;
  },
  "a COPY that nobody reads": (tx) => tx.unsafe(LONG).readable(),
  "a cursor whose callback hangs": (tx) =>
    tx.unsafe(SERIES).cursor(2, () => FOR_EVER),
  "a cursor whose loop hangs": (tx) => loop(tx, () => FOR_EVER),
};

for (const [what, start] of Object.entries(STARTED)) {
  poolTest(
    `A callback's end is refused, not hung, beside what was just started: ${what}`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const { pool } = world;
      await pool`create temp table copied (n int)`;
      const leave = (tx: Transaction) =>
        void Promise.resolve(start(tx)).catch(() => {});
      await using lease = await pool.acquire();
      const ends = [
        () => lease.begin(leave),
        () => lease.transaction(leave),
        () => lease.begin((tx) => tx.savepoint(leave)),
      ];
      for (const end of ends) {
        await assertRejects(end, ConnectionBusyError, "end the COPY");
        const [row] = await lease`select 1 as one`;
        assertEquals(row?.one, 1);
      }
    },
  );
}

poolTest(
  "A commit and a savepoint are refused beside a COPY that was just started, and the transaction goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using table = await makeTable(world);
    await using tx = await world.pool.begin();
    for (const command of [() => tx.commit(), () => tx.savepoint()]) {
      const copy = tx`copy ${tx(table.name)} from stdin`.execute();
      await assertRejects(command, ConnectionBusyError, "end the COPY");
      const into = await copy as unknown as Writable;
      into.end("1\n");
    }
    await tx.commit();
    assertEquals(await table.rows(), [1, 1]);
  },
);

poolTest(
  "A callback's end waits for a COPY whose reader asks for each part",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    let length = 0;
    let reading: Promise<void> | undefined;
    async function read(stream: Readable): Promise<void> {
      while (!stream.readableEnded) {
        for (let part; (part = stream.read()) !== null;) length += part.length;
        await nextTurn();
      }
    }
    await world.pool.begin(async (tx) => {
      const stream = await tx.unsafe(LONG).readable();
      while (stream.readableLength === 0) await nextTurn();
      reading = read(stream);
    });
    await reading;
    assertEquals(length, 20_000 * 1_001);
  },
);

for (const isAwaited of [false, true]) {
  poolTest(
    `A callback's end waits for a COPY that is read${
      isAwaited ? "" : ", and was just asked for"
    }`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      let length = 0;
      let reading: Promise<void> | undefined;
      async function read(copy: Promise<Readable>): Promise<void> {
        for await (const chunk of await copy) {
          if (length < 20_000) await nextTurn();
          length += chunk.length;
        }
      }
      await world.pool.begin(async (tx) => {
        const copy = tx.unsafe(LONG).readable();
        if (isAwaited) await copy;
        reading = read(copy);
      });
      await reading;
      assertEquals(length, 20_000 * 1_001);
    },
  );
}

poolTest(
  "A commit waits for a cursor that was just started, whose loop does not wait",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using tx = await world.pool.begin();
    let looks = 0;
    const looped = loop(tx, () => looks++);
    await tx.commit();
    assertEquals(looks, 5);
    await looped;
  },
);
