import { build } from "../../tools/build.ts";
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { runProgram } from "../support/program.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const server = await sharedPostgres();
const ROOT = new URL("../../", import.meta.url);
const FILE = "tidepool.js";

/** A folder over http, as a raw file server would serve it; notes what is asked for. */
function serve(
  root: URL = ROOT,
  asked: string[] = [],
): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    try {
      const text = await Deno.readTextFile(new URL(`.${pathname}`, root));
      const language = pathname.endsWith(".js") ? "javascript" : "typescript";
      const headers = { "content-type": `application/${language}` };
      return new Response(text, { headers });
    } catch {
      return new Response("There is no such file", { status: 404 });
    }
  });
}

async function temporaryFolder(): Promise<
  AsyncDisposable & { readonly folder: string }
> {
  const folder = await Deno.makeTempDir({ prefix: "tidepool-import-" });
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function scriptFrom(url: string): string {
  return `
import {
  AcquireTimeoutError,
  createPool,
  type PooledConnection,
  type PoolStats,
} from "${url}";

async function one(connection: PooledConnection): Promise<number> {
  const [row] = await connection<{ one: number }[]>\`select 1 as one\`;
  return row!.one;
}

await using pool = createPool(Deno.args[0]!, { max: 2 });
const stats: PoolStats = pool.stats();
const count: number = await pool.use(one);
{
  await using tx = await pool.begin({ readOnly: true });
  await tx\`select \${count}::int\`;
  await tx.commit();
}
const late: unknown = await pool.acquire({ timeoutMs: 0 }).catch((e) => e);
console.log(count, stats.max, late instanceof AcquireTimeoutError);
`;
}

Deno.test("mod.ts is imported from a URL, type-checked, in an empty folder, with --allow-import and --allow-net only", async () => {
  await using http = serve();
  const origin = `http://127.0.0.1:${http.addr.port}`;
  await using temporary = await temporaryFolder();
  const { folder } = temporary;
  const script = `${folder}/script.ts`;
  await Deno.writeTextFile(script, scriptFrom(`${origin}/mod.ts`));
  const applicationName = uniqueApplicationName();
  const end = await runProgram(script, {
    cwd: folder,
    flags: [
      "--quiet",
      "--check=all",
      `--allow-import=127.0.0.1:${http.addr.port}`,
      `--allow-net=${server.host}:${server.port}`,
    ],
    args: [server.urlFor({ applicationName })],
  });
  assertEquals(end, { code: 0, stdout: "1 2 false\n", stderr: "" });
  await waitForNoSessions(server.url, applicationName);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [
    "script.ts",
  ]);
});

/** A script that gives a pool a word for a number is told so. */
async function assertTypeError(
  url: string,
  folder: string,
  flags: readonly string[] = [],
): Promise<void> {
  const script = `${folder}/script.ts`;
  const source = `import { createPool } from "${url}";
    createPool("postgres://nobody@127.0.0.1/nothing", { max: "many" });`;
  await Deno.writeTextFile(script, source);
  const { code, stderr } = await runProgram(script, {
    cwd: folder,
    flags: ["--quiet", "--check=all", ...flags],
  });
  assertEquals(code, 1);
  assertEquals(stderr.includes("TS2322"), true, stderr);
}

Deno.test("a script that imports mod.ts from a URL is told of its type errors", async () => {
  await using http = serve();
  const host = `127.0.0.1:${http.addr.port}`;
  await using temporary = await temporaryFolder();
  await assertTypeError(`http://${host}/mod.ts`, temporary.folder, [
    `--allow-import=${host}`,
  ]);
});

Deno.test("the package in one file is all that is fetched to run a script; to check its types, mod.ts is, too", async () => {
  await using temporary = await temporaryFolder();
  const { folder } = temporary;
  const dist = new URL(`file://${folder}/dist/`);
  await build(dist);
  const asked: string[] = [];
  await using http = serve(dist, asked);
  const origin = `http://127.0.0.1:${http.addr.port}`;
  const script = `${folder}/script.ts`;
  await Deno.writeTextFile(script, scriptFrom(`${origin}/tidepool.js`));
  const applicationName = uniqueApplicationName();
  const options = {
    cwd: folder,
    flags: [
      "--quiet",
      "--reload=" + origin,
      `--allow-import=127.0.0.1:${http.addr.port}`,
      `--allow-net=${server.host}:${server.port}`,
    ],
    args: [server.urlFor({ applicationName })],
  };
  const end = { code: 0, stdout: "1 2 false\n", stderr: "" };
  assertEquals(await runProgram(script, options), end);
  assertEquals(asked, ["/tidepool.js"]);
  const flags = ["--check=all", ...options.flags];
  assertEquals(await runProgram(script, { ...options, flags }), end);
  assertEquals(asked.includes("/mod.ts"), true);
  await waitForNoSessions(server.url, applicationName);
});

Deno.test("a script that imports the package in one file is told of its type errors", async () => {
  await using temporary = await temporaryFolder();
  const { folder } = temporary;
  const { href } = await build(new URL(`file://${folder}/dist/`));
  await assertTypeError(href, folder);
});

Deno.test("a build replaces what it made, and nothing beside it", async () => {
  await using temporary = await temporaryFolder();
  const { folder } = temporary;
  await Deno.mkdir(`${folder}/src`);
  await Deno.mkdir(`${folder}/dist/src`, { recursive: true });
  for (const name of ["src/ours", "dist/mine", "dist/src/old.ts"]) {
    await Deno.writeTextFile(`${folder}/${name}`, "");
  }
  // Without a slash at its end.
  await build(new URL(`file://${folder}/dist`));
  const names = (path: string) =>
    [...Deno.readDirSync(`${folder}/${path}`)].map(({ name }) => name).sort();
  assertEquals(names("dist"), ["LICENSE", "mine", "mod.ts", "src", FILE]);
  assertEquals(names("src"), ["ours"]);
  assertEquals(names("dist/src").includes("old.ts"), false);
  assertEquals(
    names("dist/src/core"),
    [
      ...Deno.readDirSync(new URL("src/core", ROOT)),
    ].map(({ name }) => name).sort(),
  );
  await assertRejects(() => build(ROOT), RangeError);
});

Deno.test("the package in one file shows nothing of the machine that made it", async () => {
  await using temporary = await temporaryFolder();
  const file = await build(new URL(`file://${temporary.folder}/dist/`));
  const text = await Deno.readTextFile(file);
  const paths = text.matchAll(/^\/\/ (.*\.[jt]s)$/gm);
  const places = [...paths].map(([, path = ""]) => path.replace(/[^/]*$/, ""));
  const others = new Set(places.filter((place) => !place.startsWith("src/")));
  assertEquals([...others].length, 1);
  assertMatch([...others].join(), /^npm:postgres\/3\.\d+\.\d+\/src\/$/);
});

Deno.test("the package in one file does what the demo asks of it", async () => {
  await using temporary = await temporaryFolder();
  const file = await build(new URL(`file://${temporary.folder}/dist/`));
  const config = `${temporary.folder}/deno.json`;
  const { imports, compilerOptions } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const mapped = { ...imports, "@tidepool/postgres": file.href };
  const text = JSON.stringify({ imports: mapped, compilerOptions });
  await Deno.writeTextFile(config, text);
  const { code, stdout } = await runProgram(
    new URL("examples/demo/main.ts", ROOT),
    {
      flags: ["--quiet", "--allow-all", "--no-check", `--config=${config}`],
      args: ["--seconds", "2"],
      env: { TIDEPOOL_TEST_URL: server.url },
    },
  );
  assertEquals(code, 0, stdout);
  assertStringIncludes(stdout, "All 6 checks hold");
});

Deno.test("the package in one file names the lines of its user, and none of its own", async () => {
  await using temporary = await temporaryFolder();
  const { folder } = temporary;
  const file = await build(new URL(`file://${folder}/dist/`));
  const script = `${folder}/script.ts`;
  await Deno.writeTextFile(
    script,
    `import { createPool } from "${file}";
await using pool = createPool(Deno.args[0]!, { max: 1, leakWarningMs: 1 });
const warned = new Promise<string | undefined>((resolve) =>
  pool.addEventListener("leakwarning", (event) => resolve(event.acquiredAt))
);
await using _lease = await pool.acquire();
console.log(await warned);
await pool.acquire({ timeoutMs: 50 }).catch((error) => console.log(error.message));
`,
  );
  const applicationName = uniqueApplicationName();
  const { stdout } = await runProgram(script, {
    cwd: folder,
    args: [server.urlFor({ applicationName })],
  });
  const [site = "", ...rest] = stdout.trim().split("\n");
  assertStringIncludes(site, "script.ts:6");
  assertStringIncludes(rest.join("\n"), "script.ts:8");
  assertEquals(stdout.includes("tidepool.js"), false, stdout);
  await waitForNoSessions(server.url, applicationName);
});
