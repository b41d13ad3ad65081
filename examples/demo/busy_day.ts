/** One run: clients from beginning to end, an outage in the middle, and the facts. */
import { styleText } from "node:util";
import { CLIENTS, runClients } from "./clients.ts";
import { closeAndCount } from "./closing.ts";
import { pause, until } from "./deadline.ts";
import { type Outage, terminateHalf } from "./outage.ts";
import { LEGEND, type Progress, pulse } from "./progress.ts";
import { showMs } from "./report.ts";
import { originOf, type Parts } from "./stage.ts";
import { Tally } from "./tally.ts";
import type { Facts } from "./verdict.ts";

const SETTLED_WITHIN_MS = 5_000;

/** Keeps the bank busy for so long, closes it, and answers what was measured. */
export async function runBusyDay(
  parts: Parts,
  seconds: number,
  progress: Progress,
  interruption: AbortSignal,
): Promise<Facts> {
  const { bank, pool, http } = parts;
  const { total: totalBefore } = await bank.audit([]);
  progress.note(
    `\n  ${CLIENTS} clients for ${seconds} s     ${styleText("dim", LEGEND)}\n`,
  );
  const tally = new Tally();
  progress.watch(() => pulse(tally, pool.stats()));
  const outage = await keepBusy(parts, seconds, tally, progress, interruption);
  const { elapsedMs, slices } = tally;
  progress.stop();

  await http.shutdown();
  // What a client gave up may take a moment to be cancelled on the server.
  await until(() => isAtRest(parts), SETTLED_WITHIN_MS);
  const stats = pool.stats();
  const sessionsLeft = await closeAndCount(parts);
  const books = await bank.audit(tally.confirmed);
  return {
    ...{ clients: CLIENTS, elapsedMs, slices, tally, outage },
    ...{ totalBefore, books, stats, sessionsLeft },
  };
}

/** Resolves when the time is up and the last client has left. */
async function keepBusy(
  parts: Parts,
  seconds: number,
  tally: Tally,
  progress: Progress,
  interruption: AbortSignal,
): Promise<Outage> {
  const closing = new AbortController();
  const { signal } = closing;
  const clients = runClients(originOf(parts.http), tally, signal);
  try {
    await pause(seconds * 500, interruption);
    interruption.throwIfAborted();
    const outage = await terminateHalf(parts);
    progress.note(describe(outage, tally.elapsedMs));
    await pause(seconds * 1_000 - tally.elapsedMs, interruption);
    interruption.throwIfAborted();
    return outage;
  } finally {
    closing.abort();
    await clients;
  }
}

function describe(outage: Outage, elapsedMs: number): string {
  const { terminated, recoveredMs } = outage;
  const time = `${(elapsedMs / 1_000).toFixed(1).padStart(4)} s`;
  const end = recoveredMs === undefined
    ? "they were not replaced"
    : `${terminated} new ones open ${showMs(recoveredMs)} later`;
  return styleText(
    "yellow",
    `  ${time}  ${terminated} of the pool's backends terminated; ${end}`,
  );
}

function isAtRest({ pool }: Parts): boolean {
  const { idle, max } = pool.stats();
  return idle === max;
}
