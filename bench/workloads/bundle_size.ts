import { bundle } from "../../tools/build.ts";
import { type Measured, once, type Workload } from "./workload.ts";

// As src/ imports it.
const DRIVER = "npm:postgres@~3.4.9";

/** What the package adds to a bundle, beside the driver. */
export const bundleSize: Workload = {
  name: "bundle_size",
  title: "mod.ts without the driver, minified + gzip",
  metrics: [
    { name: "gzip", unit: "bytes", better: "less" },
    { name: "minified", unit: "bytes", better: "less" },
  ],
  contenders: ["tidepool"],
  rounds: 1,
  isOutside: true,
  run: once(run),
};

async function run(): Promise<Measured> {
  const code = await bundle(
    "--minify",
    "--platform=browser",
    `--external=${DRIVER}`,
  );
  const zipped = new Blob([code as BlobPart]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const { byteLength } = await new Response(zipped).arrayBuffer();
  return { gzip: byteLength, minified: code.byteLength };
}
