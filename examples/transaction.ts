/**
 * Transactions: committed or rolled back by their scope, with savepoints, and
 * run again when the server could not serialize them.
 *
 *     deno run -A examples/transaction.ts
 *
 * It drops and makes a table of its own, `tidepool_accounts`.
 */
import { createPool, type Sql, type Transaction } from "@tidepool/postgres";
import { exampleDatabase } from "./support/database.ts";

await using database = await exampleDatabase();
await using pool = createPool(database.url);

await pool`drop table if exists tidepool_accounts`;
await pool`create table tidepool_accounts (
  name text primary key, balance int not null check (balance >= 0))`;
await pool`insert into tidepool_accounts values ('Ada', 100), ('Bob', 0)`;

/** Takes a pool, a lease or a transaction: whatever runs queries. */
async function balances(sql: Sql): Promise<string> {
  const rows = await sql<{ name: string; balance: number }[]>`
    select name, balance from tidepool_accounts order by name`;
  return rows.map(({ name, balance }) => `${name} ${balance}`).join(", ");
}

async function move(
  tx: Transaction,
  from: string,
  to: string,
  amount: number,
): Promise<void> {
  await tx`update tidepool_accounts set balance = balance + ${amount}
    where name = ${to}`;
  await tx`update tidepool_accounts set balance = balance - ${amount}
    where name = ${from}`;
}

// Committed before the block is left: it stays.
{
  await using tx = await pool.begin();
  await move(tx, "Ada", "Bob", 30);
  await tx.commit();
}
console.log("Committed:", await balances(pool));

// Left in any other way, by a return, a break or an error: it is undone.
try {
  await using tx = await pool.begin();
  await move(tx, "Ada", "Bob", 1_000);
  await tx.commit();
} catch (error) {
  console.log("Refused:", (error as Error).message);
}
console.log("Rolled back:", await balances(pool));

// A savepoint undoes a part. What a callback throws rolls back what it is in.
await pool.begin(async (tx) => {
  await move(tx, "Ada", "Bob", 10);
  await tx.savepoint((inner) => move(inner, "Ada", "Bob", 1_000))
    .catch(() => console.log("Savepoint: undone, the rest goes on"));
  await move(tx, "Ada", "Bob", 10);
});
console.log("Committed:", await balances(pool));

// Two that write what the other has read: the server ends one with 40001, and
// `retries` runs its callback again.
let runs = 0;
const bothHaveRead = Promise.withResolvers<void>();
await Promise.all(["Ada", "Bob"].map((name) =>
  pool.transaction(async (tx) => {
    const [row] = await tx<{ sum: number }[]>`
      select sum(balance)::int as sum from tidepool_accounts`;
    if (++runs === 2) bothHaveRead.resolve(); // only so that they do meet
    await bothHaveRead.promise;
    await tx`update tidepool_accounts set balance = ${row?.sum ?? 0}
      where name = ${name}`;
  }, { isolation: "serializable", retries: 5 })
));
console.log("One after the other:", await balances(pool));
console.log("One of them ran again:", runs > 2);

await pool`drop table tidepool_accounts`;
