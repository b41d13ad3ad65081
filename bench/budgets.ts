/** What this package promises of its speed, as ratios to its peers. */
import {
  ratioOf,
  type Results,
  samplesOf,
  type Spread,
  spreadOf,
} from "./results.ts";

/** One series of samples. */
interface Series {
  readonly workload: string;
  readonly metric: string;
  readonly contender: string;
}

/** One promise: a ratio, or a number of ours where there is nothing to divide by. */
export interface Budget {
  readonly what: string;
  readonly against: string;
  readonly ours: Series;
  readonly theirs?: Series;
  /** The same with no pool at all, where that is measured: what a pool has to spend. */
  readonly bare?: Pick<Budget, "ours" | "theirs">;
  readonly sense: "at least" | "at most";
  readonly bound: number;
  readonly unit: string;
}

/** A budget, and what became of it. */
export interface Verdict extends Budget {
  readonly found: Spread | undefined;
  readonly foundBare: Spread | undefined;
  readonly outcome: "met" | "missed" | "not measured";
}

export const BUDGETS: readonly Budget[] = [
  against("acquire_release", "rate", "pg_pool", "at least", 4),
  against("acquire_release", "rate", "postgres_js", "at least", 1.5),
  besideBare(against("lease_select", "rate", "postgres_js", "at least", 1.2)),
  besideBare(against("lease_select", "rate", "pg_pool", "at least", 1.05)),
  against("lease_select", "rate", "dedicated", "at least", 0.95),
  against("one_shot_10", "rate", "postgres_js", "at least", 1),
  against("one_shot_100", "rate", "postgres_js", "at least", 1),
  against("one_shot_1000", "rate", "postgres_js", "at least", 1),
  against("slow_mix", "p99", "postgres_js", "at most", 0.5),
  against("slow_mix", "p99", "pg_pool", "at most", 1.15),
  {
    what: "time per waiter, 100000 in the queue",
    against: "1000 in the queue",
    ours: ours("queueing_100000", "time"),
    theirs: ours("queueing_1000", "time"),
    bare: {
      ours: { ...ours("queueing_100000", "time"), contender: "bare_queue" },
      theirs: { ...ours("queueing_1000", "time"), contender: "bare_queue" },
    },
    sense: "at most",
    bound: 1.3,
    unit: "×",
  },
  against("dial_plain", "time", "postgres_js", "at most", 0.8),
  against("dial_tls", "time", "postgres_js", "at most", 0.3),
  against("start_up", "time", "postgres_js", "at most", 1.15),
  {
    what: "mod.ts without the driver, minified + gzip",
    against: "–",
    ours: ours("bundle_size", "gzip"),
    sense: "at most",
    bound: 16 * 1_024,
    unit: "bytes",
  },
];

function ours(workload: string, metric: string): Series {
  return { workload, metric, contender: "tidepool" };
}

function against(
  workload: string,
  metric: string,
  contender: string,
  sense: Budget["sense"],
  bound: number,
): Budget {
  return {
    what: `${workload}: ${metric}`,
    against: contender,
    ours: ours(workload, metric),
    theirs: { workload, metric, contender },
    sense,
    bound,
    unit: "×",
  };
}

function besideBare(budget: Budget): Budget {
  const ours = { ...budget.ours, contender: "dedicated" };
  return { ...budget, bare: { ...budget, ours } };
}

/** Holds the budgets against what was found. */
export function judge(results: Pick<Results, "workloads">): Verdict[] {
  return BUDGETS.map((budget) => {
    const found = findingOf(results, budget);
    const foundBare = budget.bare && findingOf(results, budget.bare);
    if (found === undefined) {
      return { ...budget, found, foundBare, outcome: "not measured" };
    }
    const isMet = budget.sense === "at least"
      ? found.median >= budget.bound
      : found.median <= budget.bound;
    return { ...budget, found, foundBare, outcome: isMet ? "met" : "missed" };
  });
}

/** What a budget is about, in a run. */
export function findingOf(
  results: Pick<Results, "workloads">,
  { ours, theirs }: Pick<Budget, "ours" | "theirs">,
): Spread | undefined {
  const mine = seriesOf(results, ours);
  if (theirs === undefined) return spreadOf(mine);
  return ratioOf(mine, seriesOf(results, theirs));
}

function seriesOf(
  results: Pick<Results, "workloads">,
  { workload, contender, metric }: Series,
): number[] {
  return samplesOf(results, workload, contender, metric);
}
