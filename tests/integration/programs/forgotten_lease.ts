/** Forgets a lease in an open transaction, and lets the garbage be collected. */
import { createPool } from "../../../mod.ts";

declare const gc: () => void;

const pool = createPool(Deno.env.get("SERVER_URL")!, {
  max: 1,
  acquireTimeoutMs: 20_000,
  ...(Deno.args.includes("--sites") ? { leakWarningMs: 50 } : {}),
});
const told: string[] = [];
pool.addEventListener("leakwarning", (event) => {
  told.push(`warned ${event.acquiredAt?.includes("forgetOne")}`);
});
pool.addEventListener("leak", (event) => {
  told.push(`leaked ${event.acquiredAt?.includes("forgetOne")}`);
});

// What runs in the flow of its holder remembers that it is held, not the lease.
const flows: ReturnType<typeof setInterval>[] = [];

async function forgetOne(): Promise<number> {
  const lease = await pool.acquire();
  const tx = await lease.begin();
  await tx`create table forgotten (a int)`;
  flows.push(setInterval(() => {}, 1_000));
  return lease.pid;
}

const pid = await forgetOne();
// Every task of its own: what a task made is kept until it ends.
const collecting = setInterval(() => gc(), 20);
const next = await pool.acquire();
clearInterval(collecting);
flows.forEach(clearInterval);
const [row] = await next`select to_regclass('forgotten') as found`;
console.log(
  JSON.stringify({
    told,
    leaks: pool.stats().leaks,
    isSameSession: next.pid === pid,
    isRolledBack: row!.found === null,
  }),
);
await next.release();
await pool.close();
