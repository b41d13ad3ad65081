import { bundle } from "../../tools/build.ts";
import {
  type Measured,
  type Metric,
  once,
  type Scene,
  type Workload,
} from "./workload.ts";

// As src/ imports it.
const DRIVER = "npm:postgres@~3.4.9";

const BYTES = { unit: "bytes", better: "less" } as const;

// What is bundled of each; of the peers a program with one query.
const ENTRIES: Readonly<Record<string, string>> = {
  tidepool: "mod.ts",
  postgres_js: "bench/programs/start_up_postgres_js.ts",
  pg_pool: "bench/programs/start_up_pg_pool.ts",
};

// With what each of them imports, so that they overlap.
const PARTS: Readonly<Record<string, string>> = {
  core: "src/core/pool_machine.ts",
  shell_and_core: "src/shell/pool_shell.ts",
  driver_and_transport: "src/driver/dialer.ts",
  options: "src/options/resolved_options.ts",
};

/** What the package adds to a bundle, and which parts of it add how much. */
export const bundleSizes: readonly Workload[] = [
  {
    name: "bundle_size",
    title: "minified + gzip: mod.ts without the driver; the others whole",
    metrics: [{ name: "gzip", ...BYTES }, { name: "minified", ...BYTES }],
    contenders: Object.keys(ENTRIES),
    rounds: 1,
    isOutside: true,
    run: once(({ name }: Scene) => measure(ENTRIES[name]!)),
  },
  {
    name: "bundle_parts",
    title: "minified + gzip: parts of it alone, with all that they import",
    metrics: Object.keys(PARTS).map((name): Metric => ({ name, ...BYTES })),
    contenders: ["tidepool"],
    isSeries: true,
    rounds: 1,
    isOutside: true,
    run: once(measureParts),
  },
];

async function measureParts(): Promise<Measured> {
  const measured: Record<string, number> = {};
  for (const [name, entry] of Object.entries(PARTS)) {
    measured[name] = (await measure(entry)).gzip!;
  }
  return measured;
}

async function measure(entry: string): Promise<Measured> {
  const flags = ["--minify", "--platform=browser", `--external=${DRIVER}`];
  const code = await bundle(entry, ...flags);
  const zipped = new Blob([code as BlobPart]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const { byteLength } = await new Response(zipped).arrayBuffer();
  return { gzip: byteLength, minified: code.byteLength };
}
