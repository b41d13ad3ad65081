/**
 * Many rows: COPY into a table and out of it, and a cursor.
 *
 *     deno run -A examples/copy.ts
 */
import { createPool } from "@tidepool/postgres";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { exampleDatabase } from "./support/database.ts";

await using database = await exampleDatabase();
await using pool = createPool(database.url, { max: 2 });

// One session, for the table is gone with it.
await using connection = await pool.acquire();
await connection`create temporary table readings (id int, value float8)`;

/** Rows as COPY takes them: a line each, and a tab between columns. */
function* lines(count: number): Generator<string> {
  for (let id = 1; id <= count; id++) yield `${id}\t${Math.sqrt(id)}\n`;
}

// In: what is in flight is bounded, and an error of the server is thrown.
const into = await connection`copy readings from stdin`.writable();
await pipeline(Readable.from(lines(10_000)), into);
const [{ count }] = await connection<[{ count: number }]>`
  select count(*)::int from readings`;
console.log("Copied in:", count);

// In a transaction that is not committed, nothing is left of it.
try {
  await using tx = await connection.begin();
  const more = await tx`copy readings from stdin`.writable();
  more.write("10001\t100\n");
  throw new Error("Power cut");
} catch (error) {
  const [{ count }] = await connection<[{ count: number }]>`
    select count(*)::int from readings`;
  console.log(`${(error as Error).message}: still ${count}`);
}

// Out: as fast as it is read. Whoever leaves early has it cancelled.
let bytes = 0;
const out = await connection`copy readings to stdout`.readable();
for await (const chunk of out) bytes += chunk.length;
console.log("Copied out:", bytes > 100_000);
for await (const _ of await connection`copy readings to stdout`.readable()) {
  break;
}

// A cursor: rows by the hundred. Leaving the loop closes it.
let seen = 0;
for await (
  const rows of connection`select id from readings order by id`.cursor(100)
) {
  seen += rows.length;
  if (seen >= 300) break;
}
console.log("Seen by cursor:", seen);
console.log("Lost:", pool.stats().lost);
