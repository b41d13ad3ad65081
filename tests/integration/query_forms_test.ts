import type { Pool } from "../../mod.ts";
import { assertEquals } from "../support/assert.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

// deno-lint-ignore no-explicit-any -- forms are chained in ways the types forbid
type AnyQuery = any;

const FORMS: Record<string, (query: AnyQuery) => PromiseLike<unknown>> = {
  "itself": (query) => query,
  ".simple()": (query) => query.simple(),
  ".values()": (query) => query.values(),
  ".raw()": (query) => query.raw(),
  ".describe()": (query) => query.describe(),
  ".forEach()": (query) => query.forEach(() => {}),
  ".forEach() that throws": (query) => query.forEach(refuse),
  ".cursor()": (query) => query.cursor(2, () => {}),
  ".cursor() that throws": (query) => query.cursor(2, refuse),
  ".cursor().simple()": (query) => query.cursor(2, () => {}).simple(),
  ".simple().cursor()": (query) => query.simple().cursor(2, () => {}),
  ".cancel()": (query) => (query.execute().cancel(), query),
  "a loop": async (query) => {
    for await (const _ of query.cursor(2)) await undefined;
  },
  "a loop that is left": async (query) => {
    for await (const _ of query.cursor(1)) break;
  },
};

const TEXTS: Record<string, string> = {
  "rows": "select n from generate_series(1, 5) n",
  "no row": "select 1 as n where false",
  "a syntax error": "select from where",
  "an error among rows": "select 1 / (3 - n) as n from generate_series(1, 5) n",
  "an error at commit": "insert into once values (1), (1) returning n",
  "an insert": "insert into many values (1) returning n",
  "a command": "set local work_mem = '1MB'",
};

// The second is one too many for each of the texts, the third cannot be written.
const PARAMETERS: readonly (readonly unknown[])[] = [[], [1], [Symbol("p")]];

function refuse(): never {
  throw new Error("Thrown by a callback");
}

async function tryOne(
  pool: Pool,
  form: (query: AnyQuery) => PromiseLike<unknown>,
  text: string,
  parameters: readonly unknown[],
): Promise<number[]> {
  const numbers = [11, 12, 13, 14].map((n, at) => () => {
    const query = pool<{ n: number }[]>`select ${pool.unsafe(`${n}`)} as n`;
    return at === 2 ? query.simple().execute() : query.execute();
  });
  const before = numbers.slice(0, 2).map((ask) => ask());
  const options = { simple: false, prepare: true };
  const query = pool.unsafe(text, parameters as never, options as never);
  const told = Promise.resolve(form(query)).catch(() => {});
  const behind = numbers.slice(2).map((ask) => ask());
  const rows = await Promise.all([...before, ...behind]);
  await told;
  return rows.map(([row]) => row!.n);
}

for (const [name, form] of Object.entries(FORMS)) {
  poolTest(
    `Promise 11: whatever becomes of a query by ${name}, those beside it get their own`,
    async (t) => {
      await using world = poolWorld(t, { max: 1 });
      const { pool } = world;
      await pool`create temp table once (n int unique deferrable initially deferred)`;
      await pool`create temp table many (n int)`;
      for (const [what, text] of Object.entries(TEXTS)) {
        for (const parameters of PARAMETERS) {
          const numbers = await tryOne(pool, form, text, parameters);
          assertEquals(
            numbers,
            [11, 12, 13, 14],
            `${what}, ${parameters.length}`,
          );
          assertEquals(pool.stats().lost, 0, `${what}, ${parameters.length}`);
        }
      }
    },
  );
}
