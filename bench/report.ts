/** The figures of BENCHMARKS.md: nothing there that a run did not print. */
import { WORKLOADS } from "./catalogue.ts";
import { type Results, RESULTS_FOLDER } from "./results.ts";
import { budgetTable, markdownTable, workloadTable } from "./table.ts";

const PAGE = new URL("../BENCHMARKS.md", import.meta.url);
const BEGIN = "<!-- figures: written by deno task bench -->";
const END = "<!-- end of figures -->";

/** Replaces the figures in the page by those of a run. */
export async function writeReport(
  results: Results,
  charts: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const page = await Deno.readTextFile(PAGE);
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) {
    throw new Error(`Cannot write BENCHMARKS.md: it has no "${BEGIN}"`);
  }
  const before = page.slice(0, from + BEGIN.length);
  const text = `${before}\n\n${figures(results, charts)}\n${page.slice(to)}`;
  await Deno.writeTextFile(PAGE, text);
  // The gate wants all pages and data in the one format.
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", PAGE.pathname, RESULTS_FOLDER.pathname],
  }).output();
}

function figures(
  results: Results,
  charts: ReadonlyMap<string, readonly string[]>,
): string {
  const { date, isQuick, machine, versions } = results;
  const facts = Object.entries({ date, ...machine, ...versions });
  const parts = [
    isQuick
      ? "**A quick run, of few and short rounds: provisional.**\n"
      : "A whole run.\n",
    markdownTable([["what", "value"], ...facts]) + "\n",
    "### Budgets\n",
    budgetTable(results) + "\n",
  ];
  for (const { name, title } of WORKLOADS) {
    if (!results.workloads.some((found) => found.name === name)) continue;
    parts.push(`### ${name}\n`, `${title}.\n`);
    parts.push(workloadTable(results, name) + "\n");
    for (const file of charts.get(name) ?? []) {
      parts.push(`![${title}](bench/results/${file})\n`);
    }
  }
  return parts.join("\n");
}
