/** What is printed at the end. */
import { styleText } from "node:util";
import { type Check, EXPECTED_ERRORS, type Facts, show } from "./verdict.ts";

const BARS = " ▁▂▃▄▅▆▇█";
const LABEL_WIDTH = 14;
const MAX_BARS = 48;

/** The figures of a run, as a table. */
export function table(facts: Facts): string {
  const rows = [
    ...requestRows(facts),
    ["", ""],
    ...errorRows(facts),
    ["", ""],
    ...poolRows(facts),
  ] as const;
  return rows.map(([label, text]) =>
    `  ${styleText("bold", label.padEnd(LABEL_WIDTH))}${text}`.trimEnd()
  ).join("\n");
}

/** The checks, and what they come to. */
export function proof(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ claim }) => claim.length));
  const lines = checks.map(({ claim, holds, evidence }) => {
    const mark = holds ? styleText("green", "✓") : styleText("red", "✗");
    return `  ${mark} ${claim.padEnd(width)}   ${styleText("dim", evidence)}`;
  });
  const failed = checks.filter(({ holds }) => !holds);
  const verdict = failed.length === 0
    ? styleText(["bold", "green"], `All ${checks.length} checks hold.`)
    : styleText(
      ["bold", "red"],
      `Failed: ${failed.map(({ claim }) => claim).join("; ")}.`,
    );
  return [...lines, "", `  ${verdict}`].join("\n");
}

type Row = readonly [label: string, text: string];

function requestRows(facts: Facts): Row[] {
  const { clients, elapsedMs, slices } = facts;
  const { requests, answered, retries } = facts.tally;
  const seconds = elapsedMs / 1_000;
  const kinds = Object.entries(answered).map(([kind, count]) =>
    `${kind} ${show(count)}`
  );
  return [
    [
      "requests",
      `${show(requests)} by ${clients} clients in ${seconds.toFixed(1)} s, ` +
      `${show(Math.round(requests / seconds))} a second`,
    ],
    ["", styleText("cyan", bars(slices))],
    ["answered", kinds.join(" · ")],
    ["retried", `${show(retries)} transfers that met another, by the pool`],
  ];
}

function errorRows({ tally }: Facts): Row[] {
  const kinds = new Set([
    ...EXPECTED_ERRORS.keys(),
    ...Object.keys(tally.errors),
  ]);
  return [...kinds].map((kind, index) => {
    const count = show(tally.errors[kind] ?? 0).padStart(5);
    const why = EXPECTED_ERRORS.get(kind);
    const text = `${count}  ${kind}${why === undefined ? "" : `: ${why}`}`;
    return [index === 0 ? "errors" : "", text];
  });
}

function poolRows({ stats, outage }: Facts): Row[] {
  const { wait, opened, acquires, queries } = stats;
  const { terminated, recoveredMs } = outage;
  return [
    [
      "acquire",
      `p50 ${showMs(wait.p50Ms)} · p99 ${showMs(wait.p99Ms)} · ` +
      `longest ${showMs(wait.maxMs)}`,
    ],
    [
      "connections",
      `${opened} opened, each used ${
        show(Math.round((acquires + queries) / opened))
      } times: ${show(acquires)} leases, ${show(queries)} one-shots`,
    ],
    [
      "outage",
      `${terminated} backends terminated, ` +
      (recoveredMs === undefined
        ? "not replaced"
        : `${terminated} new ones open ${showMs(recoveredMs)} later`),
    ],
  ];
}

/** Requests over time, the busiest moment as a full bar. */
export function bars(counts: readonly number[]): string {
  const step = Math.max(1, Math.ceil(counts.length / MAX_BARS));
  const sums: number[] = [];
  // What is left at the end is too short to be compared with the others.
  for (let at = 0; at + step <= counts.length; at += step) {
    sums.push(counts.slice(at, at + step).reduce((sum, n) => sum + n, 0));
  }
  const most = Math.max(1, ...sums);
  const levels = BARS.length - 1;
  return sums.map((sum) => BARS[Math.ceil(levels * sum / most)]).join("");
}

/** A duration for people: three digits that mean something. */
export function showMs(ms: number): string {
  if (ms === 0) return "0 ms";
  const digits = ms < 1 ? 2 : ms < 100 ? 1 : 0;
  return `${ms.toFixed(digits)} ms`;
}
