/**
 * A function on an edge runtime, such as Supabase Edge Functions or Deno Deploy.
 *
 *     deno run -A --unstable-no-legacy-abort examples/edge_function.ts
 *
 * Without that flag `request.signal` also aborts after a response was sent in
 * full, and Deno warns of it.
 */
import { createPool } from "@tidepool/postgres";
import { exampleDatabase } from "./support/database.ts";

// On such a runtime: Deno.env.get("SUPABASE_DB_URL") or "DATABASE_URL".
await using database = await exampleDatabase();

// Made once per instance, outside the handler: requests share it, and it opens
// nothing before the first. The platform starts many instances, and the server
// has to bear `max` connections of each: keep it small.
const pool = createPool(database.url, {
  max: 3,
  idleTimeoutMs: 10_000,
  acquireTimeoutMs: 3_000,
});

/** Handles a request. An instance that was frozen meanwhile checks its connections before it lends them. */
async function handle(request: Request): Promise<Response> {
  const name = new URL(request.url).searchParams.get("name") ?? "world";
  const [row] = await pool.with({ signal: request.signal })`
    select 'Hello ' || ${name} as greeting`;
  return Response.json(row);
}

// Deno.serve(handle) is all that the runtime needs. It never tells a function
// that it ends: idle connections go by `idleTimeoutMs`, the rest with it.
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: () => {},
}, handle);

// The example calls itself, and ends.
const address = `http://127.0.0.1:${server.addr.port}`;
const names = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Fay"];
const greetings = await Promise.all(names.map(async (name) => {
  const response = await fetch(`${address}?name=${name}`);
  const { greeting } = await response.json();
  return greeting;
}));
console.log(greetings.join(", "));
console.log("At most 3 connections:", pool.stats().opened <= 3);
await server.shutdown();
await pool.close();
