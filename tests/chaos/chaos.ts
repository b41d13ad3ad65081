/**
 * Random kills under load on a real server: what survives, and what is wrong
 * afterwards. The server's own account is compared with what callers were told.
 */
import { createPool, type Pool } from "../../mod.ts";
import { Random } from "../simulation/random.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { startProxy } from "../support/proxy.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";
import { Caller } from "./caller.ts";
import { type ChaosReport, compare } from "./chaos_report.ts";
import { Journal, JOURNAL_SETTINGS } from "./journal.ts";
import { Killer } from "./killer.ts";
import { Witness } from "./witness.ts";

/** How much chaos. */
export interface ChaosOptions {
  readonly seconds: number;
  /** Chooses what is done and killed; what the network makes of it differs each time. */
  readonly seed: number;
  /** How many callers at once; 200 unless told. */
  readonly callers?: number;
}

const MAX = 40;

// Longer than any deadline of the pool's.
const HUNG_AFTER_MS = 20_000;

/** Runs it, and says how it went. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  await using server = await startPostgres({ settings: JOURNAL_SETTINGS });
  await using journal = new Journal(server);
  await journal.open();
  await using proxy = await startProxy(server);
  const applicationName = uniqueApplicationName({ name: "chaos" });
  const url = proxy.urlOf(server.urlFor({ applicationName }));
  const pool = createPool(url, {
    max: MAX,
    acquireTimeoutMs: 10_000,
    connectTimeoutMs: 1_000,
    queryTimeoutMs: 1_000,
    releaseTimeoutMs: 300,
    fetch_types: false,
  });
  using unhandled = new Unhandled();
  const random = new Random(options.seed);
  const witness = new Witness();
  const killer = new Killer({ proxy, journal, applicationName, random });

  const ended = runCallers(
    pool,
    witness,
    options,
    (signal) => killer.run(signal),
  );
  const recoveryMs = await ended.recovered;
  killer.finish();
  await settled(ended.all);
  const hung = witness.pending;
  const stats = pool.stats();
  await pool.close();
  await waitForNoSessions(server.url, applicationName);
  const books = await compare(witness, journal);
  return {
    ...books,
    kills: killer.hits,
    lost: stats.lost,
    hung,
    recoveryMs,
    unhandled: unhandled.seen.map(String),
  };
}

interface Run {
  /** All callers have ended. */
  readonly all: Promise<unknown>;
  /** How long it took, after the last kill, until the pool had all its connections at work. */
  readonly recovered: Promise<number>;
}

function runCallers(
  pool: Pool,
  witness: Witness,
  { seconds, seed, callers = 200 }: ChaosOptions,
  kill: (signal: AbortSignal) => Promise<void>,
): Run {
  const stop = new AbortController();
  const all = Promise.all(
    Array.from({ length: callers }, (_, index) => {
      const random = new Random(seed * 1_000 + index);
      return new Caller(`c${index}`, pool, witness, random).run(stop.signal);
    }),
  );
  const recovered = kill(AbortSignal.timeout(seconds * 1_000)).then(
    async () => {
      const began = performance.now();
      await recover(pool);
      stop.abort();
      return performance.now() - began;
    },
  );
  return { all, recovered };
}

/** Resolves once every connection of the pool answers, all of them at once. */
async function recover(pool: Pool): Promise<void> {
  for (let attemptsLeft = 20;; attemptsLeft--) {
    const leases = await Promise.allSettled(
      Array.from({ length: MAX }, () => pool.acquire()),
    );
    const answers = await Promise.allSettled(leases.map(async (lease) => {
      if (lease.status === "rejected") throw lease.reason;
      await lease.value`select 1`;
    }));
    await Promise.all(leases.map(async (lease) => {
      if (lease.status === "fulfilled") await lease.value.release();
    }));
    const failed = answers.find(({ status }) => status === "rejected");
    if (failed?.status !== "rejected") return;
    if (attemptsLeft === 1) throw failed.reason;
  }
}

/** Resolves once `promise` has settled, or will not. */
async function settled(promise: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, HUNG_AFTER_MS);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

/** Notes what nobody handled; without it, that would end the process. */
class Unhandled implements Disposable {
  readonly seen: unknown[] = [];
  readonly #note = (event: Event) => {
    event.preventDefault();
    this.seen.push(
      event instanceof PromiseRejectionEvent
        ? event.reason
        : (event as ErrorEvent).error,
    );
  };

  constructor() {
    addEventListener("unhandledrejection", this.#note);
    addEventListener("error", this.#note);
  }

  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#note);
    removeEventListener("error", this.#note);
  }
}
