import { quantile } from "./stopwatch.ts";
import { type Measured, once, type Scene, type Workload } from "./workload.ts";

const CONTENDERS = ["tidepool", "postgres_js", "pg_pool"];
const WARM_DIALS = 5;

/** One more connection, up to the answer of its first statement. */
export const dials: readonly Workload[] = [
  workload("dial_plain", "dial + select 1", false),
  workload("dial_tls", "dial with TLS, verified, + select 1", true),
];

function workload(name: string, title: string, isTls: boolean): Workload {
  return {
    name,
    title,
    metrics: [{ name: "time", unit: "ms", better: "less" }],
    contenders: CONTENDERS,
    run: once((scene) => run(scene, isTls)),
  };
}

async function run(scene: Scene, isTls: boolean): Promise<Measured> {
  const { contender, url, runMs } = scene;
  const ca = isTls ? scene.ca : undefined;
  const open = await contender.open({ url, max: 10, ca });
  const samples: number[] = [];
  const until = performance.now() + runMs;
  for (let at = 0; at < 2 * WARM_DIALS || performance.now() < until; at++) {
    const start = performance.now();
    const end = await open.dial!();
    if (at >= WARM_DIALS) samples.push(performance.now() - start);
    await end();
  }
  await open.close();
  return { time: quantile(samples, 0.5) };
}
