/** Results as SVG, drawn by echarts. */
import * as echarts from "npm:echarts@6.1.0";
import { LABELS, WORKLOADS } from "./catalogue.ts";
import {
  type Results,
  RESULTS_FOLDER,
  samplesOf,
  type Spread,
  spreadOf,
} from "./results.ts";
import { number } from "./table.ts";
import { queueing } from "./workloads/queueing.ts";
import type { Metric, Workload } from "./workloads/workload.ts";

const WIDTH = 760;
const BAR_HEIGHT = 30;
const FRAME_HEIGHT = 120;
const OURS = "#0b7285";
const THEIRS = "#adb5bd";

interface Bar extends Spread {
  readonly label: string;
  readonly isOurs: boolean;
}

/** One of the places of a chart in which each contender has a bar. */
interface Point {
  readonly workload: string;
  readonly metric: Metric;
  readonly label: string;
}

/** A chart, and the workload that it is shown with. */
interface Chart {
  readonly name: string;
  readonly title: string;
  readonly shownWith: string;
  readonly points: readonly Point[];
}

const CHARTS: readonly Chart[] = [
  ...WORKLOADS.flatMap(chartsOf),
  {
    name: "growth_waiters",
    title: "time per waiter, by how many wait",
    shownWith: queueing.at(-1)!.name,
    points: queueing.map(({ name, metrics }) => ({
      workload: name,
      metric: metrics[0]!,
      label: `${number(Number(name.split("_")[1]))} waiters`,
    })),
  },
];

/** A chart of all metrics where they are a series, and else one of each. */
function chartsOf({ name, title, metrics, isSeries }: Workload): Chart[] {
  const points = metrics.map((metric) => ({
    workload: name,
    metric,
    label: metric.name.split("_").toReversed().join(" "),
  }));
  const isOne = isSeries === true || points.length === 1;
  if (isOne) return [{ name, title, shownWith: name, points }];
  return points.map((point) => ({
    name: `${name}_${point.metric.name}`,
    title: `${title}: ${point.metric.name}`,
    shownWith: name,
    points: [point],
  }));
}

/** Draws all charts for which there is something; answers the files' names by workload. */
export async function drawCharts(
  results: Results,
): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>();
  for (const { name, title, shownWith, points } of CHARTS) {
    const bars = barsOf(results, points);
    if (bars.length === 0) continue;
    const file = `${name}.svg`;
    const svg = draw(title, points[0]!.metric, bars);
    await Deno.writeTextFile(new URL(file, RESULTS_FOLDER), svg);
    files.set(shownWith, [...files.get(shownWith) ?? [], file]);
  }
  return files;
}

/** A bar for each contender at each point. */
function barsOf(results: Results, points: readonly Point[]): Bar[] {
  const measured = results.workloads.filter(({ name }) =>
    points.some(({ workload }) => workload === name)
  );
  const all = measured.flatMap(({ contenders }) => contenders);
  const names = [...new Set(all.map(({ contender }) => contender))];
  return names.flatMap((contender) =>
    points.flatMap(({ workload, metric, label }) => {
      const samples = samplesOf(results, workload, contender, metric.name);
      const spread = spreadOf(samples);
      if (spread === undefined) return [];
      const who = LABELS[contender] ?? contender;
      // What stands in brackets is too much beside a point.
      const short = names.length > 1 ? [who.replace(/ \(.*\)/, "")] : [];
      const parts = points.length > 1 ? [...short, label] : [who];
      const isOurs = contender === "tidepool";
      return [{ ...spread, label: parts.join(": "), isOurs }];
    })
  );
}

function draw(title: string, metric: Metric, bars: readonly Bar[]): string {
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: FRAME_HEIGHT + BAR_HEIGHT * bars.length,
  });
  const rows = bars.toReversed();
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: {
      text: title,
      subtext: `${metric.unit}, ${metric.better} is better; ` +
        "median, and the line from the least to the most",
      textStyle: { fontSize: 14 },
      left: 10,
    },
    grid: { left: 40, right: 90, top: 60, bottom: 10, containLabel: true },
    xAxis: { type: "value", min: 0, splitNumber: 4 },
    yAxis: { type: "category", data: rows.map(({ label }) => label) },
    series: [bar(rows), whiskers(rows)],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function bar(rows: readonly Bar[]): echarts.BarSeriesOption {
  return {
    type: "bar",
    barWidth: "60%",
    data: rows.map(({ median, isOurs }) => ({
      value: median,
      itemStyle: { color: isOurs ? OURS : THEIRS },
      label: { show: true, position: "right", formatter: number(median) },
    })),
  };
}

/** A thin line for each row, from the least sample to the most. */
function whiskers(rows: readonly Bar[]): echarts.CustomSeriesOption {
  return {
    type: "custom",
    data: rows.map(({ min, max }, at) => [min, at, max]),
    renderItem: (_, api) => {
      const [x1 = 0, y1 = 0] = api.coord([api.value(0), api.value(1)]);
      const [x2 = 0, y2 = 0] = api.coord([api.value(2), api.value(1)]);
      return {
        type: "line",
        shape: { x1, y1, x2, y2 },
        style: { stroke: "#212529", lineWidth: 1.5 },
      };
    },
  };
}
