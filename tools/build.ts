/**
 * `deno task build`: fills `dist` with what a web server hands out.
 *
 * In it `tidepool.js` is the package and its driver in one file, for a hundred
 * modules take longer to fetch and to load; `mod.ts` and `src/` are beside it,
 * because there it has its types, and for those who would rather read what they
 * import.
 */
import { cp, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = new URL("..", import.meta.url);
const DIST = new URL("dist/", ROOT);

const TYPES = '// @ts-self-types="./mod.ts"\n';

// Above each file of the driver stands where it was cached on this machine.
const CACHED = /^\/\/ .*\/(postgres\/\d\S*)$/gm;

if (import.meta.main) {
  console.log(`Built ${fileURLToPath(await build())}`);
}

/** Fills a folder, whose `src` it replaces; answers where the package in one file is. */
export async function build(folder: URL = DIST): Promise<URL> {
  const file = new URL("tidepool.js", folder);
  const code = await bundle("--platform=deno");
  await mkdir(folder, { recursive: true });
  await rm(new URL("src", folder), { recursive: true, force: true });
  for (const name of ["mod.ts", "src"]) {
    await cp(new URL(name, ROOT), new URL(name, folder), { recursive: true });
  }
  const text = new TextDecoder().decode(code).replace(CACHED, "// npm:$1");
  await Deno.writeTextFile(file, TYPES + text);
  return file;
}

/** The package and its driver in one file, as `deno bundle` makes it with these flags. */
export async function bundle(...flags: readonly string[]): Promise<Uint8Array> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", ...flags, "mod.ts"],
    cwd: ROOT,
    stdin: "null",
  }).output();
  // It ends well although it finds nothing.
  if (!success || stdout.byteLength === 0) {
    throw new Error(
      `Cannot bundle the package: ${new TextDecoder().decode(stderr)}`,
    );
  }
  return stdout;
}
