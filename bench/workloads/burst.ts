import { keep } from "./stopwatch.ts";
import { type Measured, once, type Scene, type Workload } from "./workload.ts";

const CALLERS = 500;
const MAX = 50;

/** From nothing to 500 callers in one tick, and what is left of it. */
export const burst: Workload = {
  name: "burst",
  title: `burst: a new pool, max ${MAX}, ${CALLERS} leases in one tick`,
  metrics: [
    { name: "time", unit: "ms", better: "less" },
    { name: "connections", unit: "connections", better: "less" },
  ],
  contenders: ["tidepool", "postgres_js", "pg_pool", "generic_pool", "tarn"],
  run: once(run),
};

async function run({ contender, url, name }: Scene): Promise<Measured> {
  const label = `burst ${name} ${performance.timeOrigin}`;
  const labelled = `${url}?application_name=${encodeURIComponent(label)}`;
  const open = await contender.open({ url: labelled, max: MAX });
  const start = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, async (_, loop) => {
    keep(await open.withConnection!((session) => session.selectOne(), loop));
  }));
  const time = performance.now() - start;
  const connections = await open.withConnection!(
    (session) => session.countSessions(label),
    0,
  );
  await open.close();
  return { time, connections: Number(connections) };
}
