import { assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { runProgram } from "../support/program.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const server = await sharedPostgres();
const ROOT = new URL("../../", import.meta.url);

/** The repository over http, as a raw file server would serve it. */
function serveRepository(): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    try {
      const text = await Deno.readTextFile(new URL(`.${pathname}`, ROOT));
      const headers = { "content-type": "application/typescript" };
      return new Response(text, { headers });
    } catch {
      return new Response("There is no such file", { status: 404 });
    }
  });
}

function scriptFrom(origin: string): string {
  return `
import {
  AcquireTimeoutError,
  createPool,
  type PooledConnection,
  type PoolStats,
} from "${origin}/mod.ts";

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
  await using http = serveRepository();
  const origin = `http://127.0.0.1:${http.addr.port}`;
  const folder = await Deno.makeTempDir({ prefix: "tidepool-import-" });
  try {
    const script = `${folder}/script.ts`;
    await Deno.writeTextFile(script, scriptFrom(origin));
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
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a script that imports mod.ts from a URL is told of its type errors", async () => {
  await using http = serveRepository();
  const origin = `http://127.0.0.1:${http.addr.port}`;
  const folder = await Deno.makeTempDir({ prefix: "tidepool-import-" });
  try {
    const script = `${folder}/script.ts`;
    const source = `import { createPool } from "${origin}/mod.ts";
      createPool("postgres://nobody@127.0.0.1/nothing", { max: "many" });`;
    await Deno.writeTextFile(script, source);
    const flags = [
      "--quiet",
      "--check=all",
      `--allow-import=127.0.0.1:${http.addr.port}`,
    ];
    const { code, stderr } = await runProgram(script, { cwd: folder, flags });
    assertEquals(code, 1);
    assertEquals(stderr.includes("TS2322"), true, stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
