import { keep } from "./stopwatch.ts";
import { type Measured, once, type Scene, type Workload } from "./workload.ts";

const CONNECTIONS = 50;
const WAITERS = 20_000;

/** What one more costs. */
export const memory: Workload = {
  name: "memory",
  title:
    "JavaScript memory per idle connection, and per lease or query waited for",
  metrics: [
    { name: "connection", unit: "bytes", better: "less" },
    { name: "waiter", unit: "bytes", better: "less" },
    { name: "one_shot", unit: "bytes", better: "less" },
  ],
  contenders: ["tidepool", "postgres_js", "pg_pool", "generic_pool", "tarn"],
  isCounted: true,
  run: once(run),
};

async function run({ contender, url }: Scene): Promise<Measured> {
  const open = await contender.open({ url, max: CONNECTIONS });
  const hold = open.hold!;
  const releaseFirst = await hold();
  await releaseFirst();
  const before = await heldBytes();
  let leases = await Promise.all(Array.from({ length: CONNECTIONS }, hold));
  for (const release of leases) await release();
  leases = [];
  const idle = await heldBytes();
  leases = await Promise.all(Array.from({ length: CONNECTIONS }, hold));
  const full = await heldBytes();
  const waiting = Array.from({ length: WAITERS }, () => open.acquireRelease!());
  const queued = await heldBytes();
  for (const release of leases) await release();
  keep(await Promise.all(waiting));
  waiting.length = 0;
  leases = await Promise.all(Array.from({ length: CONNECTIONS }, hold));
  const fullAgain = await heldBytes();
  // Queries are lazy: each is asked for by `then`.
  const asked = Array.from(
    { length: WAITERS },
    () => open.oneShot!().then(keep),
  );
  const stacked = await heldBytes();
  for (const release of leases) await release();
  await Promise.all(asked);
  await open.close();
  return {
    connection: (idle - before) / (CONNECTIONS - 1),
    waiter: (queued - full) / WAITERS,
    one_shot: (stacked - fullAgain) / WAITERS,
  };
}

/** Bytes that something refers to, once all that nothing does is collected. */
async function heldBytes(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void };
  for (let times = 0; times < 3; times++) {
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
