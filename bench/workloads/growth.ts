import type { OpenContender } from "../contenders/contender.ts";
import { rateOf } from "./stopwatch.ts";
import {
  briefly,
  type Measured,
  type Metric,
  once,
  type Scene,
  type Workload,
} from "./workload.ts";

const SIZES = [10, 100, 1_000];
const POOLS = [1, 10, 100, 1_000];
const AT_ONCE = 20;
const TIMES: readonly Metric[] = [{ name: "", unit: "ns", better: "less" }];

/** Whether an operation costs more in a larger pool, or beside more pools. */
export const growth: readonly Workload[] = [
  {
    name: "growth_max",
    title: "acquire + release with so many idle connections",
    metrics: named("connections", SIZES),
    contenders: ["tidepool"],
    isSeries: true,
    rounds: 3,
    run: once((scene) => growMax(briefly(scene))),
  },
  {
    name: "growth_pools",
    title: "acquire + release of one pool in turn, beside so many",
    metrics: named("pools", POOLS),
    // Whether what grows is of ours, or of whatever there are so many of.
    contenders: ["tidepool", "generic_pool"],
    isSeries: true,
    rounds: 1, // a thousand pools of each are long in coming
    run: once((scene) => growPools(briefly(scene))),
  },
];

function named(noun: string, counts: readonly number[]): Metric[] {
  return counts.flatMap((count) =>
    TIMES.map((time) => ({ ...time, name: `${noun}_${count}` }))
  );
}

async function growMax(scene: Scene): Promise<Measured> {
  const { contender, url } = scene;
  const measured: Record<string, number> = {};
  const open = await contender.open({ url, max: SIZES.at(-1)! });
  for (const size of SIZES) {
    await openIdle(open, size);
    const rate = await rateOf(scene, 1, open.acquireRelease!);
    measured[`connections_${size}`] = 1e9 / rate;
  }
  await open.close();
  return measured;
}

async function openIdle(open: OpenContender, count: number): Promise<void> {
  const leases = await Promise.all(Array.from({ length: count }, open.hold!));
  for (const release of leases) await release();
}

async function growPools(scene: Scene): Promise<Measured> {
  const { contender, url } = scene;
  const measured: Record<string, number> = {};
  const pools: OpenContender[] = [];
  for (const count of POOLS) {
    while (pools.length < count) {
      const more = Math.min(AT_ONCE, count - pools.length);
      const opened = Array.from({ length: more }, async () => {
        const pool = await contender.open({ url, max: 1 });
        await pool.acquireRelease!();
        return pool;
      });
      pools.push(...await Promise.all(opened));
    }
    // The first were silent while the last were opened, and would be pinged.
    for (const pool of pools) await pool.acquireRelease!();
    let turn = 0;
    const rate = await rateOf(
      scene,
      1,
      () => pools[turn++ % count]!.acquireRelease!(),
    );
    measured[`pools_${count}`] = 1e9 / rate;
  }
  await Promise.all(pools.map((pool) => pool.close()));
  return measured;
}
