/** All that the demo needs: PostgreSQL, the bank, the pool, the HTTP server. */
import { createPool, type Pool } from "@tidepool/postgres";
import { startPostgres } from "../../tests/support/postgres_server.ts";
import { ForeignServer } from "../../tests/support/test_server.ts";
import { ACCOUNTS, Bank } from "./bank.ts";
import type { Progress } from "./progress.ts";
import { serveBank } from "./server.ts";
import { show } from "./verdict.ts";

export const POOL_SIZE = 10;

// Somebody who mistyped a URL is watching.
const PATIENCE_MS = 3_000;

/** The parts, each ready. */
export interface Parts {
  /** A connection apart from the pool, to watch the server and to do harm. */
  readonly operator: Pool;
  readonly bank: Bank;
  readonly pool: Pool;
  /** What the server knows the pool's sessions by. */
  readonly applicationName: string;
  readonly http: Deno.HttpServer<Deno.NetAddr>;
}

/** The parts, closed in the reverse order when it is disposed. */
export interface Stage extends Parts, AsyncDisposable {}

/**
 * Opens one part after another, and tells of each.
 *
 * @throws {DOMException} Once `signal` is aborted.
 */
export async function openStage(
  url: string | undefined,
  progress: Progress,
  signal: AbortSignal,
): Promise<Stage> {
  await using stack = new AsyncDisposableStack();

  progress.begin(
    url === undefined
      ? "Starting PostgreSQL; the first time it is fetched, 24 MB"
      : "Connecting to PostgreSQL",
  );
  const server = stack.use(
    url === undefined ? await startPostgres() : new ForeignServer(url),
  );
  const operator = stack.use(
    createPool(server.url, { max: 1, acquireTimeoutMs: PATIENCE_MS }),
  );
  const [row] = await operator.with({ signal })<{ server_version: string }[]>`
    show server_version`;
  const owner = url === undefined ? "started for this" : "yours";
  progress.done(
    `PostgreSQL ${
      row!.server_version
    }, ${owner}, on ${server.host}:${server.port}`,
  );

  progress.begin("Opening the bank");
  const bank = stack.use(await Bank.open(operator));
  signal.throwIfAborted();
  progress.done(`A bank of ${show(ACCOUNTS)} accounts`);

  const applicationName = bank.schema;
  const pool = stack.use(createPool(server.urlFor({ applicationName }), {
    min: POOL_SIZE,
    max: POOL_SIZE,
    connection: { search_path: bank.schema },
  }));
  await pool.ready({ signal });
  progress.done(`A pool of ${POOL_SIZE} connections`);

  const http = stack.use(serveBank(pool));
  progress.done(`HTTP on ${originOf(http)}`);

  const opened = stack.move();
  return {
    ...{ operator, bank, pool, applicationName, http },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Where a server is reached. */
export function originOf({ addr }: Parts["http"]): string {
  return `http://${addr.hostname}:${addr.port}`;
}
