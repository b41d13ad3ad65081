/** Results as tables: the same text on the terminal and in the report. */
import { judge } from "./budgets.ts";
import { LABELS, WORKLOADS } from "./catalogue.ts";
import {
  ratioOf,
  type Results,
  samplesOf,
  type Spread,
  spreadOf,
} from "./results.ts";
import type { Metric } from "./workloads/workload.ts";

type Row = readonly string[];

/** A table in Markdown that is also aligned for the eye. */
export function markdownTable(rows: readonly Row[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length), 3)
  );
  const lines = rows.map((row) => line(row, widths));
  const rule = line(widths.map((width) => "-".repeat(width)), widths);
  return [lines[0]!, rule, ...lines.slice(1)].join("\n");
}

function line(row: Row, widths: readonly number[]): string {
  const cells = widths.map((width, at) => (row[at] ?? "").padEnd(width));
  return `| ${cells.join(" | ")} |`;
}

/** Each workload with its contenders, and how they compare with ours. */
export function workloadTable(results: Results, name: string): string {
  const workload = WORKLOADS.find((workload) => workload.name === name)!;
  const found = results.workloads.find((result) => result.name === name)!;
  const rows = workload.metrics.flatMap((metric) => {
    const ours = samplesOf(results, name, "tidepool", metric.name);
    return found.contenders.map(({ contender, failure }) => {
      const theirs = samplesOf(results, name, contender, metric.name);
      const label = LABELS[contender] ?? contender;
      if (failure !== undefined) {
        return [metric.name, label, `failed: ${failure}`];
      }
      const ratio = contender === "tidepool"
        ? undefined
        : ratioOf(ours, theirs);
      return [
        metric.name,
        label,
        ...cells(spreadOf(theirs), metric),
        ratio === undefined ? "" : spreadText(ratio, number),
      ];
    });
  });
  const skipped = workload.contenders.filter((name) =>
    !found.contenders.some(({ contender }) => contender === name)
  ).map((contender) => ["", LABELS[contender] ?? contender, "not installed"]);
  const head = ["metric", "contender", "median", "min … max", "ours ÷ its"];
  return markdownTable([head, ...rows, ...skipped]);
}

/** Each budget with what was found. */
export function budgetTable(results: Pick<Results, "workloads">): string {
  const rows = judge(results).map((verdict) => [
    verdict.what,
    LABELS[verdict.against] ?? verdict.against,
    // Not rounded: it is not a measurement.
    `${verdict.sense} ${verdict.bound.toLocaleString("en")} ${verdict.unit}`,
    verdict.found === undefined ? "" : spreadText(verdict.found, number),
    verdict.outcome,
    verdict.foundBare === undefined
      ? ""
      : spreadText(verdict.foundBare, number),
  ]);
  const head = [
    ...["what", "against", "budget", "found (min … max)", "outcome"],
    "with no pool at all",
  ];
  return markdownTable([head, ...rows]);
}

function cells(spread: Spread | undefined, { unit }: Metric): Row {
  if (spread === undefined) return ["no sample", ""];
  const { median, min, max } = spread;
  return [`${number(median)} ${unit}`, `${number(min)} … ${number(max)}`];
}

export function spreadText(
  { median, min, max }: Spread,
  show: (value: number) => string,
): string {
  return `${show(median)} (${show(min)} … ${show(max)})`;
}

/** Three digits that count; large numbers in groups. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", {
    maximumSignificantDigits: value >= 1_000 ? 4 : 3,
  });
}
