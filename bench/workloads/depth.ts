import type { OpenContender } from "../contenders/contender.ts";
import { runSlowMix } from "./one_shots.ts";
import { rateOf } from "./stopwatch.ts";
import {
  briefly,
  MAX,
  type Measured,
  type Metric,
  once,
  type Scene,
  type Workload,
} from "./workload.ts";

const DEPTHS = [1, 4, 16, 64];
const CALLERS = 100;

/** What the most that may be in flight on one connection is worth. */
export const depths: readonly Workload[] = [
  workload("depth_uniform", "select 1", "/s", "more", uniformRate),
  workload("depth_slow_mix", "p99 among 5 % of 20 ms", "ms", "less", slowP99),
];

function workload(
  name: string,
  title: string,
  unit: string,
  better: Metric["better"],
  measure: (open: OpenContender, scene: Scene) => Promise<number>,
): Workload {
  return {
    name,
    title: `one-shots by \`pipeline\`, ${CALLERS} callers: ${title}`,
    metrics: DEPTHS.map((depth) => ({ name: `deep_${depth}`, unit, better })),
    contenders: ["tidepool"],
    isSeries: true,
    rounds: 3,
    run: once((scene) => run(briefly(scene), measure)),
  };
}

async function run(
  scene: Scene,
  measure: (open: OpenContender, scene: Scene) => Promise<number>,
): Promise<Measured> {
  const measured: Record<string, number> = {};
  for (const pipeline of DEPTHS) {
    const { contender, url } = scene;
    const open = await contender.open({ url, max: MAX, pipeline });
    measured[`deep_${pipeline}`] = await measure(open, scene);
    await open.close();
  }
  return measured;
}

function uniformRate(open: OpenContender, scene: Scene): Promise<number> {
  return rateOf(scene, CALLERS, open.oneShot!);
}

async function slowP99(open: OpenContender, scene: Scene): Promise<number> {
  return (await runSlowMix(open, scene)).p99!;
}
