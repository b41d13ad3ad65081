import type { OpenContender } from "../contenders/contender.ts";
import { keep, quantile } from "./stopwatch.ts";
import { type Measured, once, type Scene, type Workload } from "./workload.ts";

const POOLS = ["tidepool", "postgres_js", "pg_pool", "generic_pool", "tarn"];
// Ten times as many waiters take them more than ten times as long.
const SLOW = ["pg_pool", "tarn"];
// What waiting costs where nothing is pooled.
const BARE = "bare_queue";
const WARM_WITH = 1_000;
const WARM_WAITERS = 200_000;
const TIMED_WAITERS = 200_000;

/** So many callers wait for one connection, and have it one after the other. */
export const queueing: readonly Workload[] = [
  workload(1_000, [...POOLS, BARE]),
  workload(10_000, POOLS),
  workload(100_000, [...POOLS, BARE], { slow: SLOW }),
  // The slow ones have not served a million after half a minute.
  workload(1_000_000, POOLS.filter((name) => !SLOW.includes(name)), {
    rounds: 1,
  }),
];

function workload(
  waiters: number,
  contenders: readonly string[],
  fewer: Pick<Workload, "rounds" | "slow"> = {},
): Workload {
  return {
    name: `queueing_${waiters}`,
    title: `queueing ${waiters} waiters for one connection, time per waiter`,
    metrics: [{ name: "time", unit: "ns", better: "less" }],
    contenders,
    ...fewer,
    run: once((scene) => run(scene, waiters)),
  };
}

async function run(scene: Scene, waiters: number): Promise<Measured> {
  const { contender, url, runMs } = scene;
  const open = await contender.open({ url, max: 1 });
  await open.oneShot!();
  // In a short run the compiler is what is measured.
  const warmUntil = performance.now() + runMs;
  for (let done = 0; done < WARM_WAITERS; done += WARM_WITH) {
    await serve(open, WARM_WITH);
    if (performance.now() > warmUntil) break;
  }
  const samples: number[] = [];
  const until = performance.now() + runMs;
  for (let done = 0; done < TIMED_WAITERS; done += waiters) {
    samples.push(await serve(open, waiters));
    if (performance.now() > until) break;
  }
  await open.close();
  return { time: quantile(samples, 0.5) };
}

/** Answers nanoseconds per waiter, from its asking to its release. */
async function serve(open: OpenContender, waiters: number): Promise<number> {
  const release = await open.hold!();
  const start = performance.now();
  const all: Promise<unknown>[] = [];
  for (let left = waiters; left > 0; left--) all.push(open.acquireRelease!());
  await release();
  keep(await Promise.all(all));
  return (performance.now() - start) / waiters * 1e6;
}
