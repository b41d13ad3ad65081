/**
 * A real PostgreSQL server for tests and the demo, with no set-up.
 *
 * `startPostgres()` makes a new one. `sharedPostgres()` is the one that a whole
 * test run uses; call it at the top level of a test file, so that the server
 * belongs to no single test.
 */
import {
  embeddedPostgres,
  scratchFolder,
  serverUser,
} from "./embedded_postgres.ts";
import { EmbeddedServer, type StartOptions } from "./embedded_server.ts";
import { ForeignServer, type TestServer } from "./test_server.ts";

export type { StartOptions } from "./embedded_server.ts";
export type { StopMode, TestServer, UrlOptions } from "./test_server.ts";

/** Starts a server of our own on a free port of 127.0.0.1, its data in a temp folder. */
export async function startPostgres(
  options: StartOptions = {},
): Promise<TestServer> {
  const programs = await embeddedPostgres();
  const folder = await makeFolder();
  const server = new EmbeddedServer(programs, folder);
  try {
    await server.initialize(options);
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/**
 * The server of this test run: the one that `TIDEPOOL_TEST_URL` or
 * `DATABASE_URL` names, else the one that `deno task test` lends to all files,
 * else (a bare `deno test`) a new one for this file.
 */
export async function sharedPostgres(): Promise<TestServer> {
  const url = Deno.env.get("TIDEPOOL_TEST_URL") ?? Deno.env.get("DATABASE_URL");
  if (url) return new ForeignServer(url);
  const port = Number(Deno.env.get("TIDEPOOL_TEST_LENDER") ?? 0);
  if (port === 0) return await (ownServer ??= startPostgres());
  const lender = await Deno.connect({ hostname: "127.0.0.1", port });
  const answer = await new Response(lender.readable).json();
  const { url: lent, pid, dataDir, error } = answer;
  if (error !== undefined) throw new Error(error);
  return new ForeignServer(lent, pid, dataDir);
}

let ownServer: Promise<TestServer> | undefined;

/** Makes the folder that holds a server's data and log, owned by who runs it. */
async function makeFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({
    dir: scratchFolder(),
    prefix: "tidepool-server-",
  });
  const { uid, gid } = serverUser();
  if (uid !== undefined) await Deno.chown(folder, uid, gid ?? null);
  return folder;
}
