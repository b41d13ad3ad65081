/** Keeps a lease, forgets the handles that were reserved of it, and lets the garbage be collected. */
import { createPool } from "../../../mod.ts";

declare const gc: () => void;

const pool = createPool(Deno.env.get("SERVER_URL")!, {
  max: 1,
  acquireTimeoutMs: 2_500, // it is known after one second who is forgotten
});

const lease = await pool.acquire();
await lease.reserve().then((handle) => handle.reserve()).then(() => {});
const collecting = setInterval(() => gc(), 20);
const told = await pool.acquire().then(() => "lent", ({ code }) => code);
clearInterval(collecting);
await lease`select 1`;
console.log(JSON.stringify({ told, leaks: pool.stats().leaks }));
await lease.release();
await pool.close();
