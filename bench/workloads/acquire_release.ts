import { rateOf } from "./stopwatch.ts";
import { MAX, RATE, type Workload } from "./workload.ts";

/** One caller takes an idle connection and gives it back. */
export const acquireRelease: Workload = {
  name: "acquire_release",
  title: "acquire + release, idle connection, one caller",
  metrics: [RATE],
  contenders: [
    ...["tidepool", "postgres_js", "pg_pool", "generic_pool", "tarn"],
    "bun_sql",
  ],
  async run(scene) {
    const { contender, url } = scene;
    const open = await contender.open({ url, max: MAX });
    const pair = open.acquireRelease!;
    await open.oneShot!();
    const rate = await rateOf(scene, 1, pair);
    await open.close();
    return { rate };
  },
};
