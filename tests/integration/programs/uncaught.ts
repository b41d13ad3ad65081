// Runs a query that fails, in the way that is named, and catches nothing but
// what `frozen` makes.
import { createPool, type LimitedSql, type Sql } from "../../../mod.ts";

const [url, form] = Deno.args;
if (form === "frozen") Object.freeze(Error);
const pool = createPool(url);

async function selectUsers(sql: Sql): Promise<void> {
  await sql`select * from there_is_no_such_table where id = ${1}`;
}

async function sleep(sql: LimitedSql): Promise<void> {
  await sql`select pg_sleep(60)`;
}

async function begin(sql: Sql): Promise<void> {
  await sql`begin`;
}

/** What fails of ours, and not of the server. */
const OWN: Record<string, () => Promise<void>> = {
  QueryTimeoutError: async () => {
    await pool.ready();
    await sleep(pool.with({ timeoutMs: 20 }));
  },
  ConnectionLostError: async () => {
    const lease = await pool.acquire();
    const asleep = sleep(lease);
    await pool`select pg_terminate_backend(${lease.pid}, 5000)`;
    await asleep;
  },
  LeaseReleasedError: async () => {
    const lease = await pool.acquire();
    await lease.release();
    await sleep(lease);
  },
  TransactionFinishedError: async () => {
    const tx = await pool.begin();
    await tx.commit();
    await sleep(tx);
  },
  Error: () => begin(pool),
  ConnectError: () => sleep(createPool(url, { database: "there_is_no_such" })),
  AcquireTimeoutError: async () => {
    pool.resize({ max: 1 });
    await pool.acquire();
    await sleep(pool.with({ timeoutMs: 20 }));
  },
};

if (form !== undefined && form in OWN) await OWN[form]!();
else if (form === "frozen") {
  await selectUsers(pool).catch(({ message }) => console.log(message));
} else if (form === "one-shot") await selectUsers(pool);
else if (form === "lease") await pool.use(selectUsers);
else await pool.transaction(selectUsers);
