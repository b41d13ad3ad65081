/** The figures of BENCHMARKS.md and of the README: nothing there that a run did not print. */
import { WORKLOADS } from "./catalogue.ts";
import { type Results, RESULTS_FOLDER } from "./results.ts";
import { budgetTable, markdownTable, workloadTable } from "./table.ts";

type Charts = ReadonlyMap<string, readonly string[]>;

const PAGE = new URL("../BENCHMARKS.md", import.meta.url);
const README = new URL("../README.md", import.meta.url);
const BEGIN = "<!-- figures: written by deno task bench -->";
const END = "<!-- end of figures -->";

// What a newcomer asks for first: one that is met, one that matters, one that is missed.
const SHOWN_FIRST = [
  "one_shot_100.svg",
  "slow_mix_p99.svg",
  "lease_select.svg",
];

/** Replaces the figures in the pages by those of a run. */
export async function writeReport(
  results: Results,
  charts: Charts,
): Promise<void> {
  await replaceFigures(PAGE, figures(results, charts));
  await replaceFigures(README, firstFigures(results, charts));
  // The gate wants all pages and data in the one format.
  const paths = [PAGE, README, RESULTS_FOLDER].map(({ pathname }) => pathname);
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", ...paths],
  })
    .output();
}

async function replaceFigures(url: URL, text: string): Promise<void> {
  const page = await Deno.readTextFile(url);
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) {
    throw new Error(`Cannot write ${url.pathname}: it has no "${BEGIN}"`);
  }
  const before = page.slice(0, from + BEGIN.length);
  await Deno.writeTextFile(url, `${before}\n\n${text}\n${page.slice(to)}`);
}

function firstFigures(
  { date, machine, versions }: Results,
  charts: Charts,
): string {
  const { processor, cores, system } = machine;
  const software = Object.entries(versions).map((pair) => pair.join(" "));
  const there = [...charts.values()].flat();
  return [
    `Measured ${date} on ${processor}, ${cores} cores, ${system}; ` +
    `${software.join(", ")}.\n`,
    ...SHOWN_FIRST.filter((file) => there.includes(file)).map((file) =>
      `![${file.replace(".svg", "")}](bench/results/${file})\n`
    ),
  ].join("\n");
}

function figures(results: Results, charts: Charts): string {
  const { date, machine, versions } = results;
  const facts = Object.entries({ date, ...machine, ...versions });
  const parts = [
    markdownTable([["what", "value"], ...facts]) + "\n",
    "### Budgets\n",
    budgetTable(results) + "\n",
  ];
  for (const { name, title } of WORKLOADS) {
    const found = results.workloads.find((found) => found.name === name);
    if (found === undefined) continue;
    const isOlder = found.date !== undefined && found.date !== date;
    const when = isOlder ? ` Run on ${found.date}.` : "";
    parts.push(`### ${name}\n`, `${title}.${when}\n`);
    parts.push(workloadTable(results, name) + "\n");
    for (const file of charts.get(name) ?? []) {
      parts.push(`![${title}](bench/results/${file})\n`);
    }
  }
  return parts.join("\n");
}
