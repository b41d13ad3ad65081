import { build } from "../../tools/build.ts";
import { type Measured, once, type Scene, type Workload } from "./workload.ts";

const WARM_RUNS = 1;
const RUNS = 3;

/** A whole process, from its start to its end. */
export const startUp: Workload = {
  name: "start_up",
  title: "import + first query + close: a whole `deno run`, cached; " +
    "Tidepool in one file",
  metrics: [{ name: "time", unit: "ms", better: "less" }],
  contenders: ["tidepool", "tidepool_modules", "postgres_js", "pg_pool"],
  isOutside: true,
  run: once(run),
};

let built: Promise<URL> | undefined;

async function run({ name, url }: Scene): Promise<Measured> {
  const program = name === "tidepool"
    ? await (built ??= buildProgram())
    : programOf(name);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--cached-only", "-A", program.href, url],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  let best = Infinity;
  for (let at = -WARM_RUNS; at < RUNS; at++) {
    const start = performance.now();
    const { success, stderr } = await command.output();
    const time = performance.now() - start;
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    if (at >= 0) best = Math.min(best, time);
  }
  return { time: best };
}

function programOf(name: string): URL {
  return new URL(`../programs/start_up_${name}.ts`, import.meta.url);
}

/** The program with the package in one file, in a folder that ends with this process. */
async function buildProgram(): Promise<URL> {
  const folder = await Deno.makeTempDir({ prefix: "tidepool-start-up-" });
  globalThis.addEventListener("unload", () => {
    Deno.removeSync(folder, { recursive: true });
  });
  const { href } = await build(new URL(`file://${folder}/`));
  const text = await Deno.readTextFile(programOf("tidepool_modules"));
  const program = new URL("program.ts", href);
  await Deno.writeTextFile(program, text.replace("../../mod.ts", href));
  return program;
}
