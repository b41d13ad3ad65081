/**
 * `deno task build`: fills `dist` with what a web server hands out.
 *
 * In it `tidepool.js` is the package and its driver in one file, for a hundred
 * modules take longer to fetch and to load; `mod.ts` and `src/` are beside it,
 * because there it has its types.
 */
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = new URL("..", import.meta.url);
const DIST = new URL("dist/", ROOT);
const FILE = "tidepool.js";
const COPIED = ["LICENSE", "mod.ts", "src"];

// Above each file of the driver stands where it was cached on this machine.
const CACHED = /^\/\/ .*\/(postgres\/\d\S*)$/gm;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  if (Deno.args.length > 0) {
    console.error("Cannot build with arguments: deno task build has none");
    return 2;
  }
  try {
    // What has nothing but types is in no bundle, and would be found by others.
    await runDeno(["check", "--quiet", "mod.ts"]);
    console.log(`Built ${fileURLToPath(await build())}`);
    return 0;
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    console.error(`Cannot build: ${why}`);
    return 1;
  }
}

/**
 * Fills a folder, in which it replaces only what it made; answers where the
 * package in one file is. All is made before anything is replaced.
 *
 * @throws {RangeError} If the folder is that of the sources.
 */
export async function build(folder: URL = DIST): Promise<URL> {
  // Without a slash at its end, what is named beside it would be meant.
  const target = new URL(`${folder.href.replace(/\/+$/, "")}/`);
  if (target.href === ROOT.href) {
    throw new RangeError(`${fileURLToPath(ROOT)} is where the sources are`);
  }
  const code = new TextDecoder().decode(
    await bundle("mod.ts", "--platform=deno"),
  );
  const text = await banner() + code.replace(CACHED, "// npm:$1");
  await mkdir(target, { recursive: true });
  const prefix = `${fileURLToPath(target)}.part-`;
  const part = pathToFileURL(`${await mkdtemp(prefix)}/`);
  try {
    await Deno.writeTextFile(new URL(FILE, part), text);
    for (const name of COPIED) {
      const options = { recursive: true, filter: isSource };
      await cp(new URL(name, ROOT), new URL(name, part), options);
    }
    for (const name of [...COPIED, FILE]) {
      await rm(new URL(name, target), { recursive: true, force: true });
      await rename(new URL(name, part), new URL(name, target));
    }
  } finally {
    await rm(part, { recursive: true });
  }
  return new URL(FILE, target);
}

/** A folder, a module or the license; not what else may lie beside them. */
function isSource(path: string): boolean {
  return /[/\\][\w-]+(\.ts)?[/\\]?$/.test(path);
}

async function banner(): Promise<string> {
  const config = await Deno.readTextFile(new URL("deno.json", ROOT));
  const { name, version } = JSON.parse(config);
  // A module of npm has Node's globals. In this file the driver is none, and
  // Deno before 2.4 has them nowhere else.
  return `// @ts-self-types="./mod.ts"
// ${name} ${version}, with its driver
import { Buffer } from "node:buffer";
import { clearImmediate, setImmediate } from "node:timers";
`;
}

/** A module and all that it imports in one file, as `deno bundle` makes it with these flags. */
export async function bundle(
  entry: string,
  ...flags: readonly string[]
): Promise<Uint8Array> {
  const code = await runDeno(["bundle", ...flags, entry]);
  // It ends well although it finds nothing.
  if (code.byteLength === 0) throw new Error("nothing was made");
  return code;
}

async function runDeno(args: readonly string[]): Promise<Uint8Array> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
  }).output();
  if (success) return stdout;
  throw new Error(new TextDecoder().decode(stderr).trim());
}
