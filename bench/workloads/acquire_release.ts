import { ratesOf } from "./stopwatch.ts";
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
  isLasting: true,
  async *run(scene) {
    const { contender, url } = scene;
    const open = await contender.open({ url, max: MAX });
    const pair = open.acquireRelease!;
    await open.oneShot!();
    try {
      yield* ratesOf(scene, 1, pair);
    } finally {
      await open.close();
    }
  },
};
