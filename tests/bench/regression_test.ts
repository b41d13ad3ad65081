import { judge } from "../../bench/budgets.ts";
import { failuresOfOurs, regressions } from "../../bench/regression.ts";
import { ratioOf, type Results } from "../../bench/results.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("ratioOf() is the ratio of the medians, with the spread of the pairs", () => {
  const ratio = ratioOf([10, 20, 30], [10, 10, 20]);

  assertEquals(ratio, { median: 2, min: 1, max: 2 });
});

Deno.test("regressions() names a ratio that is worse than all that was seen before", () => {
  const before = dials([4, 4.2, 4.4]);
  const now = dials([8, 8.2, 8.4]);

  const found = regressions(before, now);

  assertEquals(found.map(({ what }) => what), [
    "dial_plain: time against postgres_js",
  ]);
});

Deno.test("regressions() lets pass what may be chance", () => {
  const before = dials([4, 5, 9]);
  const now = dials([8, 8.2, 8.4]);

  assertEquals(regressions(before, now), []);
});

Deno.test("regressions() lets pass what has become better", () => {
  assertEquals(regressions(dials([8, 8.2, 8.4]), dials([4, 4.2, 4.4])), []);
});

Deno.test("judge() tells a budget that was missed from one that was not measured", () => {
  const outcomes = judge(dials([9, 9, 9]))
    .filter(({ ours }) => ours.workload.startsWith("dial_"))
    .map(({ outcome }) => outcome);

  assertEquals(outcomes, ["missed", "not measured"]);
});

Deno.test("failuresOfOurs() names the workloads that have nothing of ours", () => {
  const run = (name: string, contender: string, failure?: string) => ({
    name,
    contenders: [{ contender, measured: [], ...(failure && { failure }) }],
  });
  const workloads = [
    run("well", "tidepool"),
    run("ours", "tidepool", "Broken"),
    run("ours_too", "tidepool_modules", "Broken"),
    run("theirs", "pg_pool", "Broken"),
  ];

  assertEquals(failuresOfOurs({ workloads }), ["ours", "ours_too"]);
});

Deno.test("judge() tells what there is with no pool at all", () => {
  const rates: Record<string, number> = {
    tidepool: 98,
    pg_pool: 100,
    dedicated: 104,
  };
  const contenders = Object.entries(rates).map(([contender, rate]) => ({
    contender,
    measured: [{ rate }],
  }));
  const [verdict] = judge({ workloads: [{ name: "lease_select", contenders }] })
    .filter(({ against }) => against === "pg_pool")
    .filter(({ found }) => found !== undefined);

  assertEquals(verdict?.found?.median, 0.98);
  assertEquals(verdict?.foundBare?.median, 1.04);
});

/** A run in which the driver's dial takes 10 ms. */
function dials(times: readonly number[]): Pick<Results, "workloads"> {
  const measured = (list: readonly number[]) => list.map((time) => ({ time }));
  return {
    workloads: [{
      name: "dial_plain",
      contenders: [
        { contender: "tidepool", measured: measured(times) },
        { contender: "postgres_js", measured: measured(times.map(() => 10)) },
      ],
    }],
  };
}
