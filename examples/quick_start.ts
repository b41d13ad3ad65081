/**
 * The three ways to run queries: a one-shot, a lease, a transaction.
 *
 *     deno run -A examples/quick_start.ts
 */
import { createPool } from "@tidepool/postgres";
import { exampleDatabase } from "./support/database.ts";

await using database = await exampleDatabase();
// Opens nothing yet; the end of the program closes it.
await using pool = createPool(database.url, { max: 10 });

// One-shot: a single query, on whichever connection has room for it.
const planets = await pool<{ name: string }[]>`
  select name from (values (1, 'Mercury'), (2, 'Venus'), (3, 'Earth'))
    as planets (position, name)
  where position >= ${2} order by position`;
console.log("One-shot:", planets.map(({ name }) => name).join(", "));

// Lease: one connection, for queries that belong to one session.
{
  await using connection = await pool.acquire({ timeoutMs: 2_000 });
  await connection`create temporary table moons (name text)`;
  await connection`insert into moons ${connection([{ name: "Luna" }])}`;
  const moons = await connection`select name from moons`;
  console.log("Lease:", moons[0]?.name);
  await connection`drop table moons`;
} // here it goes back, however the block is left
console.log("After the lease:", pool.stats().leased, "leased");

// Transaction: rolled back unless it is committed before the block is left.
{
  await using tx = await pool.begin({ isolation: "repeatable read" });
  const [now] = await tx`select current_setting('transaction_isolation') as it`;
  console.log("Transaction:", now?.it);
  await tx.commit();
}

const { opened, queries, acquires } = pool.stats();
console.log(`${queries + acquires} requests, ${opened} connection opened`);
