/**
 * A program that uses a pool in the way that its last argument names, and ends
 * when nothing keeps it. It prints "done" when its work is, and how many
 * connections are idle when it is about to end.
 */
import { createPool, type Pool, type PoolOptions } from "../../../mod.ts";

const [url = "", way = ""] = Deno.args;

interface Way {
  readonly options?: PoolOptions;
  run(pool: Pool): Promise<unknown>;
}

const ways: Readonly<Record<string, Way>> = {
  "a query": { run: (pool) => pool`select 1` },
  "many queries": {
    run: (pool) =>
      Promise.all(
        Array.from({ length: 100 }, (_, n) => pool`select ${n}::int`),
      ),
  },
  "a pool that was not used": { run: () => Promise.resolve() },
  "a pool with min": {
    options: { min: 3 },
    run: (pool) => pool.ready(),
  },
  "a lease": {
    async run(pool) {
      await using lease = await pool.acquire();
      await lease`select 1`;
    },
  },
  "a lease that is not released": {
    async run(pool) {
      const lease = await pool.acquire();
      await lease`select 1`;
    },
  },
  "a transaction that is not ended": {
    async run(pool) {
      const tx = await pool.begin();
      await tx`select 1`;
    },
  },
  "a cancelled query": {
    run: (pool) =>
      pool.with({ timeoutMs: 20 })`select pg_sleep(60)`.catch(() => {}),
  },
  "a lost connection": {
    run: (pool) =>
      pool`select pg_terminate_backend(pg_backend_pid())`.catch(() => {}),
  },
  "a wait that timed out": {
    options: { max: 1 },
    async run(pool) {
      await pool.acquire();
      await pool.acquire({ timeoutMs: 50 }).catch(() => {});
    },
  },
  "waits for a lease": {
    options: { max: 1, acquireTimeoutMs: 300 },
    async run(pool) {
      await pool.acquire();
      await told(pool.acquire());
    },
  },
  "waits for a dial": {
    options: { acquireTimeoutMs: 300, connectTimeoutMs: 400 },
    run: (pool) => told(pool.acquire()),
  },
  "waits for a query's turn": {
    options: { acquireTimeoutMs: 300, connectTimeoutMs: 400 },
    run: (pool) => told(pool`select 1`),
  },
  "waits for a warm pool": {
    options: { connectTimeoutMs: 400 },
    run: (pool) => told(pool.ready({ timeoutMs: 300 })),
  },
  "waits for a query": { run: (pool) => pool`select pg_sleep(0.3)` },
  "waits for a query of a lease": {
    async run(pool) {
      const lease = await pool.acquire();
      await lease`select pg_sleep(0.3)`;
    },
  },
  "waits for its close": {
    options: { max: 1, closeTimeoutMs: 300 },
    async run(pool) {
      await pool.acquire();
      await pool.close();
    },
  },
  "holds the process": {
    options: { holdProcess: true },
    run: (pool) => pool`select 1`,
  },
  "closed": {
    options: { holdProcess: true, min: 3 },
    async run(pool) {
      await pool`select 1`;
      await pool.close();
    },
  },
  "closed in use": {
    options: { holdProcess: true, closeTimeoutMs: 300 },
    async run(pool) {
      const lease = await pool.acquire();
      const query = lease`select pg_sleep(60)`.catch(() => {});
      await pool.close();
      await query;
    },
  },
};

/** Tells how a wait ended. */
async function told(promise: PromiseLike<unknown>): Promise<void> {
  await promise.then(
    () => console.log("fulfilled"),
    (error) => console.log(error.name),
  );
}

const { options = {}, run } = ways[way]!;
const pool = createPool(url, options);
let isTold = false;
// The event loop has nothing left to wait for.
addEventListener("beforeunload", () => {
  if (!isTold) console.log(`idle ${pool.stats().idle}`);
  isTold = true;
});
await run(pool);
console.log("done");
