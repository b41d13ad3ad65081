/** Compares a run with the one that is committed. */
import { BUDGETS, findingOf } from "./budgets.ts";
import type { Results, Spread } from "./results.ts";

/** One ratio that has become worse than chance explains. */
export interface Regression {
  readonly what: string;
  readonly before: Spread;
  readonly now: Spread;
}

/** Answers what is worse now than any pair was before, and was better before than any pair is now. */
export function regressions(
  before: Pick<Results, "workloads">,
  now: Pick<Results, "workloads">,
): Regression[] {
  return BUDGETS.flatMap((budget) => {
    const was = findingOf(before, budget);
    const is = findingOf(now, budget);
    if (was === undefined || is === undefined) return [];
    const isWorse = budget.sense === "at least"
      ? is.median < was.min && was.median > is.max
      : is.median > was.max && was.median < is.min;
    const what = `${budget.what} against ${budget.against}`;
    return isWorse ? [{ what, before: was, now: is }] : [];
  });
}

/** The workloads that have nothing of ours to compare. */
export function failuresOfOurs(
  { workloads }: Pick<Results, "workloads">,
): string[] {
  return workloads.filter(({ contenders }) =>
    contenders.some(({ contender, failure }) =>
      contender.startsWith("tidepool") && failure !== undefined
    )
  ).map(({ name }) => name);
}
