/**
 * A program that leases very often from one pool, and prints as JSON what is
 * left of that. It wants `--expose-gc`. Its arguments: the server, the label of
 * its sessions, and how many leases and minutes, at the least.
 */
import { createPool } from "../../mod.ts";
import { CountedSignal } from "../simulation/counted_signal.ts";
import { unaccounted } from "../support/balance.ts";
import { sessionCount, waitForNoSessions } from "../support/server_view.ts";
import type { SoakReport } from "./soak.ts";
import { takeTurn, tryTurn } from "./turns.ts";

declare const gc: () => void;

const [url = "", applicationName = "", leases, minutes] = Deno.args;
const MAX = 4;
const CALLERS = 16;
const TURNS = 500;
// Until everything was done, is compiled, and has grown to its size.
const WARM_UP = 50_000;

const pool = createPool(url, {
  max: MAX,
  acquireTimeoutMs: 60_000,
  connection: { application_name: applicationName },
});
const ofAll = new CountedSignal();
const world = { pool, signal: ofAll.signal };
let turns = 0;

/** Callers that wait for each other; then one that finds what they left idle. */
async function runRound(): Promise<void> {
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    for (let turn = 0; turn < TURNS; turn++) await takeTurn(world, ++turns);
  }));
  for (let turn = 0; turn < TURNS; turn++) await tryTurn(world);
}

/** Goes on until there were so many leases more, and it took so long; answers how many. */
async function soak(atLeast: number, ms: number): Promise<number> {
  const before = pool.stats().acquires;
  const end = performance.now() + ms;
  let count = 0;
  while (count < atLeast || performance.now() < end) {
    await runRound();
    // A signal that has many listeners is slow: the rest would take for ever.
    if (ofAll.listeners > 0) break;
    count = pool.stats().acquires - before;
  }
  return count;
}

/** The bytes of what is still in use. */
async function heap(): Promise<number> {
  // What a task made is kept until it ends, and finalizers run in later ones.
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc();
  }
  return Deno.memoryUsage().heapUsed;
}

async function sessionsLeft(): Promise<number> {
  // A backend may be listed a moment longer than its connection stands.
  await waitForNoSessions(url, applicationName).catch(() => {});
  return await sessionCount(url, applicationName);
}

/** Closes the pool, and counts what is left of it. */
async function countRemains(): Promise<SoakReport["left"]> {
  const { waiting, leased, shared, lost, leaks } = pool.stats();
  await pool.close();
  return {
    "sessions on the server": await sessionsLeft(),
    "listeners on the signal of all acquires": ofAll.listeners,
    "connections held, and callers waiting": leased + shared + waiting,
    "connections lost, and leases forgotten": lost + leaks,
    "requests that no counter accounts for": unaccounted(pool),
  };
}

await soak(WARM_UP, 0);
const heapBefore = await heap();
const began = performance.now();
const count = await soak(Number(leases), Number(minutes) * 60_000);
const seconds = (performance.now() - began) / 1_000;
const heapAfter = await heap();
const left = await countRemains();
const report: SoakReport = {
  leases: count,
  seconds,
  heapBefore,
  heapAfter,
  left,
};
console.log(JSON.stringify(report));
