import { type Measured, once, type Scene, type Workload } from "./workload.ts";

const PROFILED = "lease_select";
const RUN_MS = 2_000;

// The end of a process is not what is looked at, nor is what went before.
const WINDOW_MS = 1_800;
const CLOSING_MS = 100;

const OURS = new URL("../../src/", import.meta.url).href;

// Results and buffers are the driver's: the arrays that it answers, and what the
// runtime does to make the buffers in which it puts its messages together.
const OWNERS = [
  ...["tidepool", "driver", "results", "buffers"],
  ...["runtime", "write", "gc", "idle"],
];

/** Where the time of one lease with one statement goes. */
export const profile: Workload = {
  name: "profile",
  title: "lease + select 1: the main thread's time for each, by whose it is",
  metrics: OWNERS.map((name) => ({ name, unit: "µs", better: "less" })),
  contenders: ["tidepool", "postgres_js", "pg_pool", "dedicated"],
  isSeries: true,
  rounds: 1,
  isOutside: true,
  run: once(run),
};

interface Frame {
  readonly functionName: string;
  readonly url: string;
}

/** As much of V8's format as is read; times in microseconds. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

async function run(scene: Scene): Promise<Measured> {
  const folder = await Deno.makeTempDir({ prefix: "profile-" });
  try {
    const rate = await runProfiled(scene, folder);
    return timesOf(await readProfile(folder), rate);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the contender; answers how many operations a second it did. */
async function runProfiled(
  { name, url, ca, warmMs }: Scene,
  folder: string,
): Promise<number> {
  const program = new URL("../contender.ts", import.meta.url).pathname;
  const scene = JSON.stringify({ url, ca, warmMs, runMs: RUN_MS });
  const flags = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", ...flags, program, name, PROFILED, scene],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const go = child.stdin.getWriter();
  await go.write(new Uint8Array([0x0a, 0x0a])); // to be warm, and to measure
  await go.close();
  const { stdout } = await child.output();
  const last = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  return JSON.parse(last).measured.rate;
}

async function readProfile(folder: string): Promise<CpuProfile> {
  for await (const { name } of Deno.readDir(folder)) {
    return JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
  }
  throw new Error("Cannot read a profile: none was written");
}

/** Answers microseconds per operation, by whose code ran. */
function timesOf(profile: CpuProfile, rate: number): Measured {
  const frames = new Map(
    profile.nodes.map((node) => [node.id, node.callFrame]),
  );
  const { samples, timeDeltas } = profile;
  const owners: Record<string, number> = {};
  let fromEndMs = 0;
  let wholeMs = 0;
  for (let at = samples.length - 1; at >= 0; at--) {
    const ms = timeDeltas[at]! / 1_000;
    fromEndMs += ms;
    if (fromEndMs < CLOSING_MS) continue;
    if (fromEndMs > CLOSING_MS + WINDOW_MS) break;
    const owner = ownerOf(frames.get(samples[at]!)!);
    owners[owner] = (owners[owner] ?? 0) + ms;
    wholeMs += ms;
  }
  const perMs = 1e6 / rate / wholeMs;
  return Object.fromEntries(
    OWNERS.map((name) => [name, (owners[name] ?? 0) * perMs]),
  );
}

function ownerOf({ functionName, url }: Frame): string {
  if (functionName === "(idle)") return "idle";
  if (functionName === "(garbage collector)") return "gc";
  if (/^write(Buffer|v|\w+String)$/.test(functionName)) return "write";
  if (/^(FastBuffer|createPool)$/.test(functionName)) return "buffers";
  if (url.startsWith(OURS)) return "tidepool";
  if (/\/(postgres|pg|pg-pool|pg-protocol)\/\d/.test(url)) {
    return functionName === "Result" ? "results" : "driver";
  }
  return url.includes("/bench/") ? "bench" : "runtime";
}
