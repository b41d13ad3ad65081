/** Very many leases of one pool, in a process of their own, and what is left of them. */
import type { TestServer } from "../support/postgres_server.ts";
import { runProgram } from "../support/program.ts";
import { uniqueApplicationName } from "../support/server_view.ts";

/** How a soak went. */
export interface SoakReport {
  readonly leases: number;
  readonly seconds: number;
  /** In bytes, after a collection, once the pool was warm. */
  readonly heapBefore: number;
  /** The same, after all leases. */
  readonly heapAfter: number;
  /** What should be none. */
  readonly left: Readonly<Record<SoakRemains, number>>;
}

/** What a pool may leave behind. */
export type SoakRemains =
  | "sessions on the server"
  | "listeners on the signal of all acquires"
  | "connections held, and callers waiting"
  | "connections lost, and leases forgotten"
  | "requests that no counter accounts for";

/** How much of it, at the least. */
export interface SoakOptions {
  readonly leases: number;
  readonly minutes?: number;
}

/** How many bytes the heap may grow. */
export const GROWTH_LIMIT = 5_000_000;

/** Runs it; rejects when it fails, or says anything but its report. */
export async function runSoak(
  server: TestServer,
  { leases, minutes = 0 }: SoakOptions,
): Promise<SoakReport> {
  const end = await runProgram(new URL("program.ts", import.meta.url), {
    flags: ["--allow-all", "--v8-flags=--expose-gc"],
    args: [server.url, uniqueApplicationName(), `${leases}`, `${minutes}`],
    // Only for one that hangs: ten times as long as it takes.
    deadlineMs: 60_000 * (1 + minutes) + leases / 5,
  });
  if (end.code !== 0 || end.stderr !== "") {
    throw new Error(`Cannot soak: ${JSON.stringify(end)}`);
  }
  return JSON.parse(end.stdout);
}
