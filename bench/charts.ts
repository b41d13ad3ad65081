/** Results as SVG, drawn by echarts. */
import * as echarts from "npm:echarts@6.1.0";
import { LABELS, WORKLOADS } from "./catalogue.ts";
import {
  type Results,
  RESULTS_FOLDER,
  samplesOf,
  type Spread,
  spreadOf,
  type WorkloadResult,
} from "./results.ts";
import { number } from "./table.ts";
import type { Metric } from "./workloads/workload.ts";

const WIDTH = 760;
const BAR_HEIGHT = 30;
const FRAME_HEIGHT = 120;
const OURS = "#0b7285";
const THEIRS = "#adb5bd";

interface Bar extends Spread {
  readonly label: string;
  readonly isOurs: boolean;
}

/** Draws a chart for each metric; answers the files' names by workload. */
export async function drawCharts(
  results: Results,
): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>();
  for (const found of results.workloads) {
    const workload = WORKLOADS.find(({ name }) => name === found.name);
    if (workload === undefined) continue;
    const names: string[] = [];
    const metrics = workload.isSeries ? [undefined] : workload.metrics;
    for (const metric of metrics) {
      const bars = metric === undefined
        ? seriesBars(results, workload.name, workload.metrics)
        : contenderBars(results, found, metric);
      if (bars.length === 0) continue;
      const suffix = metric === undefined || workload.metrics.length === 1
        ? ""
        : `_${metric.name}`;
      const name = `${workload.name}${suffix}.svg`;
      const shown = metric ?? workload.metrics[0]!;
      const svg = draw(
        `${workload.title}${suffix.replace("_", ": ")}`,
        shown,
        bars,
      );
      await Deno.writeTextFile(new URL(name, RESULTS_FOLDER), svg);
      names.push(name);
    }
    files.set(workload.name, names);
  }
  return files;
}

function contenderBars(
  results: Results,
  { name, contenders }: WorkloadResult,
  metric: Metric,
): Bar[] {
  return contenders.flatMap(({ contender }) => {
    const samples = samplesOf(results, name, contender, metric.name);
    const spread = spreadOf(samples);
    if (spread === undefined) return [];
    const label = LABELS[contender] ?? contender;
    return [{ ...spread, label, isOurs: contender === "tidepool" }];
  });
}

function seriesBars(
  results: Results,
  workload: string,
  metrics: readonly Metric[],
): Bar[] {
  return metrics.flatMap(({ name }) => {
    const spread = spreadOf(samplesOf(results, workload, "tidepool", name));
    const label = name.split("_").toReversed().join(" ");
    return spread === undefined ? [] : [{ ...spread, label, isOurs: true }];
  });
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
    grid: { left: 10, right: 90, top: 60, bottom: 10, containLabel: true },
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
