import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Pool, PoolOptions } from "../../mod.ts";
import { assertEquals } from "../support/assert.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

// In each of these the driver sends the server an end too many, or waits for
// one too few: what comes next would be somebody else's.

interface Case {
  readonly options?: PoolOptions;
  /** What it is told: a code or a message, or what comes of it. */
  readonly outcome: unknown;
  run(pool: Pool): PromiseLike<unknown>;
}

const refuseColumn = {
  column: {
    from(name: string): string {
      if (name === "bad") throw new Error("Thrown by a transform");
      return name;
    },
  },
};

const TWICE = "insert into once values (1), (1) returning n";

async function later<T>(answer: () => T): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return answer();
}

const CASES: Record<string, Case> = {
  "a cursor that cannot be committed": {
    outcome: "23505",
    run: (pool) => pool.unsafe(TWICE).cursor(5, () => {}),
  },
  "one whose loop looks at its rows for long": {
    outcome: "23505",
    run: async (pool) => {
      for await (const _ of pool.unsafe(TWICE).cursor(5)) await later(() => {});
    },
  },
  "one whose loop was left": {
    outcome: "left",
    run: async (pool) => {
      for await (const _ of pool.unsafe(TWICE).cursor(1)) break;
      return "left";
    },
  },
  "a cursor that times out on the server while its callback throws": {
    options: { connection: { statement_timeout: 10 } },
    outcome: "Thrown by a callback",
    run: (pool) =>
      pool`select generate_series(1, 5)`.cursor(1, () =>
        later(() => {
          throw new Error("Thrown by a callback");
        })),
  },
  "a cursor that times out on the server and is ended": {
    options: { connection: { statement_timeout: 10 } },
    outcome: "57014",
    run: (pool) =>
      pool`select generate_series(1, 5)`.cursor(
        1,
        () => later(() => pool.CLOSE) as never,
      ),
  },
  "a simple query, asked for with a number": {
    outcome: "22012",
    run: (pool) => pool.unsafe("select 1/0", [1], { simple: 1 } as never),
  },
  "a cursor without rows whose columns cannot be named": {
    options: { transform: refuseColumn },
    outcome: "Thrown by a transform",
    run: (pool) =>
      pool`select ${1}::int as bad where false`.cursor(5, () => {}),
  },
  "one that cannot be written either": {
    options: { transform: refuseColumn },
    outcome: "Cannot convert a Symbol value to a string",
    run: (pool) => pool`select ${Symbol() as never}::int as bad`,
  },
  "a parameter that throws what cannot be changed": {
    outcome: "Thrown frozen",
    run: async (pool) => {
      await pool`select ${"x"}::text as n`;
      const text = {
        toString() {
          throw Object.freeze(new Error("Thrown frozen"));
        },
      };
      return await pool`select ${text as never}::text as n`;
    },
  },
  "a COPY to the server, and a long one behind it": {
    outcome: 2,
    run: async (pool) => {
      const long = `copy once from stdin -- ${"x".repeat(2_000)}`;
      const copy = async (text: string, value: string) =>
        await pipeline(
          Readable.from([value]),
          await pool.unsafe(text).writable(),
        );
      await Promise.all([
        copy("copy once from stdin", "2\n"),
        copy(long, "3\n"),
      ]);
      const [row] = await pool`select count(*)::int as n from once`;
      return row!["n"];
    },
  },
  "a COPY that nobody reads, among several statements": {
    outcome: "a stream",
    run: async (pool) => {
      const rows = "select repeat('x', 1000) from generate_series(1, 68)";
      await pool.unsafe(`select 1; copy (${rows}) to stdout`);
      return "a stream";
    },
  },
  "a cursor that is cancelled in its loop": {
    outcome: "57014",
    run: async (pool) => {
      const query = pool`select generate_series(1, 9) as n`;
      for await (const [row] of query.cursor(1)) {
        if (row!["n"] === 2) query.cancel();
      }
    },
  },
};

for (const [name, { options, outcome, run }] of Object.entries(CASES)) {
  poolTest(
    `Promise 11: nobody gets another's result: ${name}`,
    async (t) => {
      await using world = poolWorld(t, { max: 1, ...options });
      const { pool } = world;
      await pool`create temp table once (n int unique deferrable initially deferred)`;
      const told = Promise.resolve(run(pool)).catch((error) =>
        error.code ?? error.message
      );
      const others = [11, 12, 13, 14].map((n) =>
        pool<{ n: number }[]>`select ${n}::int as n`.execute()
      );
      const results = await Promise.all(others);
      assertEquals(results.map((rows) => rows.map(({ n }) => n)), [
        [11],
        [12],
        [13],
        [14],
      ]);
      assertEquals(await told, outcome);
      assertEquals((await pool`select 15 as n`)[0]!["n"], 15);
      assertEquals(pool.stats().lost, 0);
    },
  );
}
