/** Everything that is measured, in the order in which it is shown. */
import { acquireRelease } from "./workloads/acquire_release.ts";
import { bundleSizes } from "./workloads/bundle_size.ts";
import { burst } from "./workloads/burst.ts";
import { depths } from "./workloads/depth.ts";
import { dials } from "./workloads/dial.ts";
import { growth } from "./workloads/growth.ts";
import { leases } from "./workloads/leases.ts";
import { memory } from "./workloads/memory.ts";
import { oneShots, slowMix } from "./workloads/one_shots.ts";
import { profile } from "./workloads/profile.ts";
import { queueing } from "./workloads/queueing.ts";
import { startUp } from "./workloads/start_up.ts";
import type { Workload } from "./workloads/workload.ts";

export const WORKLOADS: readonly Workload[] = [
  acquireRelease,
  ...leases,
  profile,
  ...oneShots,
  slowMix,
  ...depths,
  burst,
  ...queueing,
  ...dials,
  startUp,
  memory,
  ...growth,
  ...bundleSizes,
];

/** What the contenders are called where they are shown. */
export const LABELS: Readonly<Record<string, string>> = {
  tidepool: "Tidepool",
  tidepool_modules: "Tidepool, module by module",
  postgres_js: "postgres.js (own pool, reserve, begin)",
  pg_pool: "pg + pg-pool",
  generic_pool: "generic-pool over postgres.js",
  tarn: "tarn over postgres.js",
  dedicated: "no pool: dedicated postgres.js clients",
  bare_queue: "no pool: a queue of promises",
  bun_sql: "Bun.SQL",
};

/** The workloads of these names, or else whose names begin so; all without a name. */
export function workloadsNamed(names: readonly string[]): readonly Workload[] {
  if (names.length === 0) return WORKLOADS;
  const chosen = new Set(names.flatMap(matchesOf));
  return WORKLOADS.filter((workload) => chosen.has(workload));
}

function matchesOf(name: string): readonly Workload[] {
  const exact = WORKLOADS.filter((workload) => workload.name === name);
  if (exact.length > 0) return exact;
  const alike = WORKLOADS.filter((workload) => workload.name.startsWith(name));
  if (alike.length > 0) return alike;
  const known = WORKLOADS.map((workload) => workload.name).join(", ");
  throw new RangeError(`Cannot run ${name}: it is none of ${known}`);
}
