/**
 * A web server: each request takes what it needs and leaves nothing behind.
 *
 *     deno run -A --unstable-no-legacy-abort examples/http_server.ts
 *
 * Without that flag `request.signal` also aborts after a response was sent in
 * full, and Deno warns of it.
 */
import { AcquireTimeoutError, createPool } from "@tidepool/postgres";
import { exampleDatabase } from "./support/database.ts";

await using database = await exampleDatabase();
// One pool for the whole process. A visitor is told after 2 s that all
// connections are taken, rather than kept waiting.
await using pool = createPool(database.url, {
  max: 10,
  acquireTimeoutMs: 2_000,
  queryTimeoutMs: 5_000,
});

/** A one-shot: when the visitor hangs up, it ends on the server too. */
async function squares({ signal }: Request): Promise<Response> {
  const rows = await pool.with({ signal })`
    select n, n * n as square from generate_series(1, 3) as n`;
  return Response.json(rows);
}

/** A transaction: its setting holds for the queries in the block, and no longer. */
async function clock({ signal, url }: Request): Promise<Response> {
  const zone = new URL(url).searchParams.get("zone") ?? "UTC";
  await using tx = await pool.begin({ readOnly: true, signal });
  await tx`select set_config('TimeZone', ${zone}, true)`;
  const [row] = await tx`select current_setting('TimeZone') as zone`;
  return Response.json(row);
} // left by `return`: rolled back, and the connection is in the pool again

async function handle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  try {
    if (pathname === "/squares") return await squares(request);
    if (pathname === "/clock") return await clock(request);
    return new Response("Not found", { status: 404 });
  } catch (error) {
    if (!(error instanceof AcquireTimeoutError)) throw error;
    const headers = { "retry-after": "1" };
    return new Response("Try again later", { status: 503, headers });
  }
}

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: () => {},
}, handle);

// The example is its own visitor, and ends then; without these lines it serves
// until it is stopped (graceful_shutdown.ts shows how).
const address = `http://127.0.0.1:${server.addr.port}`;
for (const path of ["/squares", "/clock?zone=Asia/Tokyo", "/nothing"]) {
  const response = await fetch(address + path);
  console.log(`GET ${path}: ${response.status} ${await response.text()}`);
}
// All connections are taken: the next visitor is told.
const leases = await Promise.all(
  Array.from({ length: 10 }, () => pool.acquire()),
);
const refused = await fetch(`${address}/squares`);
console.log(`GET /squares, busy: ${refused.status} ${await refused.text()}`);
await Promise.all(leases.map((lease) => lease.release()));

await server.shutdown();
console.log("Leased at the end:", pool.stats().leased);
