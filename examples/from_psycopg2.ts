/**
 * The two programs that everybody starts from with psycopg2's pool, in Python
 * and here, and what comes of the second one at its 21st round.
 *
 *     deno run -A examples/from_psycopg2.ts
 */
import { AcquireTimeoutError, createPool } from "@tidepool/postgres";
import { exampleDatabase } from "./support/database.ts";

await using database = await exampleDatabase();

// connection_pool = SimpleConnectionPool(5, 20, dsn)
await using pool = createPool(database.url, { min: 5, max: 20 });

// 1. getconn() and putconn(): the connection comes back because of `finally`.
//
//     connection = connection_pool.getconn()
//     try:
//         cursor = connection.cursor()
//         cursor.execute("select %s", (42,))
//         print(cursor.fetchone())
//     finally:
//         connection_pool.putconn(connection)
//
// The same here: the block is the `finally`.
{
  await using connection = await pool.acquire();
  const [row] = await connection`select ${42}::int as answer`;
  console.log("1. With a scope:", row?.answer);
}
console.log("   leased afterwards:", pool.stats().leased);

// 2. `with` on the connection. It reads as if the block returned it.
//
//     for round in range(1, 26):
//         with connection_pool.getconn() as connection:
//             with connection.cursor() as cursor:
//                 cursor.execute("select %s", (round,))
//
// In psycopg2 this `with` ends the transaction, and the connection stays out:
// every round takes another. The 21st round ends in
//
//     psycopg2.pool.PoolError: connection pool exhausted
//
// Here the block ends the transaction, too, and the connection is back.
let rounds = 0;
for (let round = 1; round <= 25; round++) {
  await using tx = await pool.begin();
  await tx`select ${round}::int`;
  await tx.commit(); // `with` commits by itself; here it is written down
  rounds++;
}
console.log(`2. ${rounds} rounds done`);
console.log("   leased afterwards:", pool.stats().leased);

// 3. The 21st at the same time. psycopg2 raises that error at once, although
// a connection may be back in a moment:
//
//     connections = [connection_pool.getconn() for _ in range(20)]
//     connection_pool.getconn()  # PoolError: connection pool exhausted
//
// Here it waits in line.
const leases = await Promise.all(
  Array.from({ length: 20 }, () => pool.acquire()),
);
const late = pool.acquire();
console.log("3. leased:", pool.stats().leased);
console.log("   waiting:", pool.stats().waiting);
await leases.pop()?.release();
leases.push(await late);
console.log("   one came back, and the 21st has it");

// Nobody waits for ever: 10 s unless told otherwise.
try {
  await pool.acquire({ timeoutMs: 100 });
} catch (error) {
  if (!(error instanceof AcquireTimeoutError)) throw error;
  console.log(`   ${error.name}: ${error.message}`);
}
await Promise.all(leases.map((lease) => lease.release()));
console.log("   leased afterwards:", pool.stats().leased);
