/** What a run found, as it is kept in `results/latest.json`. */

/** One contender under one workload. */
export interface ContenderResult {
  readonly contender: string;
  /** One record for each round. */
  readonly measured: readonly Readonly<Record<string, number>>[];
  readonly failure?: string;
}

/** One workload. */
export interface WorkloadResult {
  readonly name: string;
  /** The day of its run; workloads can be run one by one. */
  readonly date?: string;
  readonly contenders: readonly ContenderResult[];
}

/** A run, and of the workloads that it left out what was found before. */
export interface Results {
  readonly date: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly workloads: readonly WorkloadResult[];
}

/** A median and how far its samples lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export const RESULTS_FOLDER: URL = new URL("results/", import.meta.url);
const LATEST = new URL("latest.json", RESULTS_FOLDER);

export function spreadOf(samples: readonly number[]): Spread | undefined {
  if (samples.length === 0) return undefined;
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Answers the samples of one metric, in the order of the rounds. */
export function samplesOf(
  results: Pick<Results, "workloads">,
  workload: string,
  contender: string,
  metric: string,
): number[] {
  const found = results.workloads.find(({ name }) => name === workload)
    ?.contenders.find((result) => result.contender === contender);
  return found?.measured.map((measured) => measured[metric]!) ?? [];
}

/** Answers the ratio of the medians, and the spread of the ratios of each pair. */
export function ratioOf(
  ours: readonly number[],
  theirs: readonly number[],
): Spread | undefined {
  const mine = spreadOf(ours);
  const other = spreadOf(theirs);
  if (mine === undefined || other === undefined) return undefined;
  const pairs = spreadOf(
    ours.slice(0, theirs.length).map((value, at) => value / theirs[at]!),
  )!;
  return { ...pairs, median: mine.median / other.median };
}

export async function readLatest(): Promise<Results | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(LATEST));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Keeps a run; workloads that were not run stay as they were. */
export async function writeLatest(results: Results): Promise<Results> {
  const before = await readLatest();
  const isNew = ({ name }: WorkloadResult) =>
    !results.workloads.some((workload) => workload.name === name);
  const kept = before?.workloads.filter(isNew) ?? [];
  const merged = { ...results, workloads: [...results.workloads, ...kept] };
  await Deno.mkdir(RESULTS_FOLDER, { recursive: true });
  await Deno.writeTextFile(LATEST, JSON.stringify(merged, undefined, 1) + "\n");
  return merged;
}
