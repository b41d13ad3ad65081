import { ConnectionLostError, type Pool } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import type { Toxic } from "../support/fault_proxy.ts";
import { poolTest } from "../support/pool_world.ts";
import { faultWorld, forEachBelow } from "./fault_world.ts";

const CUT: Toxic = { kind: "limit_data", bytes: 0 };
const NOOP: Toxic = { kind: "noop" };
const ROWS = "select n from generate_series(1, 3) n";
const THREE = [{ n: 1 }, { n: 2 }, { n: 3 }];

// Behind the end of a command comes its ReadyForQuery: the rows are all there.
const READY_LENGTH = 6;

/** Something whose answer is cut; what it answers must be whole. */
interface Asking {
  /** Done before, on the same connection. */
  prepare?(pool: Pool): Promise<unknown>;
  ask(pool: Pool): PromiseLike<unknown>;
  readonly whole: unknown;
  /** How many bytes follow when it has come whole: a ReadyForQuery unless told. */
  readonly tail?: number;
}

const ASKINGS: Readonly<Record<string, Asking>> = {
  "a simple reply": {
    ask: (pool) => pool.unsafe(ROWS),
    whole: THREE,
  },
  "an extended reply": {
    ask: (pool) => pool`select ${7}::int4 as n, ${"seven"}::text as word`,
    whole: [{ n: 7, word: "seven" }],
  },
  "the reply of a prepared statement": {
    prepare: async (pool) => await pool`select 1 as one`,
    ask: (pool) => pool`select 1 as one`,
    whole: [{ one: 1 }],
  },
  "a reply on a lease": {
    async ask(pool) {
      const lease = await pool.acquire();
      try {
        return await lease`select n from generate_series(1, 3) n`;
      } finally {
        await lease.release();
      }
    },
    whole: THREE,
  },
  "the replies of a cursor": {
    async ask(pool) {
      const all: unknown[] = [];
      const query = pool`select n from generate_series(1, 3) n`;
      for await (const rows of query.cursor(10)) all.push(...rows);
      return all;
    },
    whole: THREE,
  },
  "a reply of several statements": {
    ask: (pool) => pool.unsafe("select 1 as one; select 2 as two"),
    whole: [[{ one: 1 }], [{ two: 2 }]],
  },
  "the replies of a COPY": {
    async ask(pool) {
      const stream = await pool`
        copy (select n from generate_series(1, 3) n) to stdout`.readable();
      const text = stream.setEncoding("utf8");
      return (await Array.fromAsync(text)).join("");
    },
    whole: "1\n2\n3\n",
    // Its CopyDone says that it is whole: before the CommandComplete.
    tail: 12 + READY_LENGTH,
  },
  "the reply of an error": {
    async ask(pool) {
      const error = await pool`do $$ begin raise exception 'no'; end $$`
        .then(() => undefined, (error) => error);
      if (error instanceof ConnectionLostError) throw error;
      return error.code;
    },
    whole: "P0001",
  },
  "the replies of a transaction": {
    async ask(pool) {
      return await pool.transaction(async (
        tx,
      ) => [...await tx`select 1 as one`]);
    },
    whole: [{ one: 1 }],
  },
};

/** Asks with something done to the reply at one byte; answers how often that was lost. */
async function askWith(
  { prepare, ask, whole }: Asking,
  toxic: Toxic,
  byte: number,
): Promise<{ isLost: boolean; length: number }> {
  await using world = await faultWorld();
  const { pool, proxy } = world;
  await pool`select 2 as two`;
  await prepare?.(pool);
  const before = proxy.bytes("down");
  const at = { direction: "down", byte } as const;
  const fault = proxy.add({ ...toxic, at, times: 1 });
  let isLost = false;
  try {
    assertEquals(plain(await ask(pool)), whole);
  } catch (error) {
    assertInstanceOf(error, ConnectionLostError);
    assertEquals(error.sent, true);
    isLost = true;
  }
  const length = proxy.bytes("down") - before;
  assertEquals(fault.strikes, byte < Infinity ? 1 : 0);
  assertEquals(plain(await pool`select 1 as one`), [{ one: 1 }]);
  const { total, leased, waiting } = pool.stats();
  assertEquals({ total, leased, waiting }, { total: 1, leased: 0, waiting: 0 });
  return { isLost, length };
}

function plain(value: unknown): unknown {
  return structuredClone(value);
}

for (const [name, asking] of Object.entries(ASKINGS)) {
  poolTest(
    `limit_data: ${name} cut at any byte is whole or lost, never in part, and the pool goes on`,
    async () => {
      const { length } = await askWith(asking, NOOP, Infinity);
      assert(length > 2 * READY_LENGTH, `It takes ${length} bytes`);
      await forEachBelow(length, async (byte) => {
        const { isLost } = await askWith(asking, CUT, byte);
        const mayBeWhole = byte >= length - (asking.tail ?? READY_LENGTH);
        assert(isLost || mayBeWhole, "it was taken for whole");
      });
    },
  );

  poolTest(
    `noop: ${name} is whole when nothing is done at a byte`,
    async () => {
      for (const byte of [0, 9]) {
        assertEquals((await askWith(asking, NOOP, byte)).isLost, false);
      }
    },
  );
}
