/** A program for tests: starts a server, says where, and never stops it. */
import { startPostgres } from "./postgres_server.ts";

const server = await startPostgres();
console.log(JSON.stringify({ url: server.url, dataDir: server.dataDir }));
await Deno.stdin.read(new Uint8Array(1));
