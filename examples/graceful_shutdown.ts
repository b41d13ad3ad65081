/**
 * Ending a service without cutting off those it serves: on SIGTERM or SIGINT it
 * takes no more requests, finishes those under way, and closes the pool.
 *
 *     deno run -A examples/graceful_shutdown.ts          # stops itself
 *     deno run -A examples/graceful_shutdown.ts --serve  # until Ctrl-C
 */
import { createPool } from "@tidepool/postgres";
import { exampleDatabase } from "./support/database.ts";

await using database = await exampleDatabase();
// Less than the time that a process manager grants, often 10 s.
const pool = createPool(database.url, { closeTimeoutMs: 5_000 });

const began = Promise.withResolvers<void>();
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: () => {},
}, async () => {
  await using connection = await pool.acquire();
  began.resolve();
  await connection`select pg_sleep(0.3)`;
  return new Response("Served to the end");
});

const isWindows = Deno.build.os === "windows"; // it has no SIGTERM
for (const signal of ["SIGINT", isWindows ? "SIGBREAK" : "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    console.log(`${signal}: ${pool.stats().leased} leased`);
    // Resolves once every request under way has its response.
    void server.shutdown();
  });
}

const address = `http://127.0.0.1:${server.addr.port}`;
const isServing = Deno.args.includes("--serve");
if (isServing) console.log(`Listening on ${address}`);
const visit = isServing ? undefined : visitAndStop();

await server.finished;
await visit;
// Nobody is left in the line by now. What still holds a connection, such as a
// job in the background, has until `closeTimeoutMs`; then it is cancelled.
await pool.close();
console.log("Closed:", pool.stats().total, "connections");

/** A visitor whose request is under way when the service is told to stop. */
async function visitAndStop(): Promise<void> {
  const response = fetch(address);
  await began.promise;
  if (isWindows) void server.shutdown();
  else Deno.kill(Deno.pid, "SIGTERM"); // as a process manager does
  console.log("Visitor:", await (await response).text());
}
