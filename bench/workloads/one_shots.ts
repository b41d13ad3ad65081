import type { OpenContender } from "../contenders/contender.ts";
import { keep, quantile, rateOf, ratesOf } from "./stopwatch.ts";
import {
  MANY_ROUNDS,
  MAX,
  type Measured,
  RATE,
  type Scene,
} from "./workload.ts";
import type { Workload } from "./workload.ts";

const CALLERS = [1, 10, 100, 1_000, 10_000];
const CONTENDERS = ["tidepool", "postgres_js", "pg_pool", "bun_sql"];

/** `select 1` on whichever connection has room. */
export const oneShots: readonly Workload[] = CALLERS.map((callers) => ({
  name: `one_shot_${callers}`,
  title: `one-shot select 1, max ${MAX}, ${callers} callers`,
  metrics: [RATE],
  contenders: CONTENDERS,
  isLasting: true,
  ...(callers === MAX && MANY_ROUNDS),
  async *run(scene) {
    const { contender, url } = scene;
    const open = await contender.open({ url, max: MAX });
    try {
      yield* ratesOf(scene, callers, open.oneShot!);
    } finally {
      await open.close();
    }
  },
}));

const SLOW_ONE_IN = 20;
const SLOW_CALLERS = 100;

/** One statement in twenty takes 20 ms; timed are the others. */
export const slowMix: Workload = {
  name: "slow_mix",
  title:
    `one-shots, 5 % of them 20 ms, max ${MAX}, ${SLOW_CALLERS} callers: the fast ones`,
  metrics: [
    { name: "p50", unit: "ms", better: "less" },
    { name: "p99", unit: "ms", better: "less" },
    RATE,
  ],
  contenders: CONTENDERS,
  isLasting: true,
  async *run({ contender, url, warmMs, runMs }) {
    const open = await contender.open({ url, max: MAX });
    await runSlowMix(open, { warmMs: 0, runMs: warmMs / 2 }); // it runs twice that
    yield {};
    try {
      for (;;) yield await runSlowMix(open, { warmMs: runMs / 6, runMs });
    } finally {
      await open.close();
    }
  },
};

/** Answers what the fast ones wait among slow ones. */
export async function runSlowMix(
  open: OpenContender,
  { warmMs, runMs }: Pick<Scene, "warmMs" | "runMs">,
): Promise<Measured> {
  let turn = 0;
  let waits: number[] = [];
  async function one(): Promise<void> {
    if (turn++ % SLOW_ONE_IN === 0) return keep(await open.slowShot!());
    const start = performance.now();
    keep(await open.oneShot!());
    waits.push(performance.now() - start);
  }
  // A slow one is an eternity: a few more of them make the tail steadier.
  await rateOf({ warmMs: 0, runMs: warmMs }, SLOW_CALLERS, one);
  waits = [];
  const rate = await rateOf(
    { warmMs: 0, runMs: runMs * 2 },
    SLOW_CALLERS,
    one,
  );
  return { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), rate };
}
