/** How a server ends: after its sessions are cut off, after they left, or as in a crash. */
export type StopMode = "fast" | "smart" | "immediate";

/** Where to connect, and as whom. */
export interface UrlOptions {
  readonly database?: string;
  readonly username?: string;
  readonly password?: string;
  /** The label that `pg_stat_activity` shows. */
  readonly applicationName?: string;
}

/** A PostgreSQL server that accepts connections over TCP. */
export interface TestServer extends AsyncDisposable {
  /** Connects as a superuser. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Where its files are, if it is ours. */
  readonly dataDir: string | undefined;
  /** Whether it may be stopped: a shared server may not. */
  readonly isOwned: boolean;
  /** The process id of its postmaster. */
  readonly pid: number;
  /** The URL of another database, user or label on this server. */
  urlFor(options: UrlOptions): string;
  /** Resolves once the server has ended; `"fast"` unless told otherwise. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again after `stop()`: same port, same data. */
  start(): Promise<void>;
}

/** Changes what `options` say in the URL of a server, and keeps the rest. */
export function withOptions(base: string, options: UrlOptions): string {
  const url = new URL(base);
  const { database, username, password, applicationName } = options;
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
  if (username !== undefined) url.username = encodeURIComponent(username);
  if (password !== undefined) url.password = encodeURIComponent(password);
  if (applicationName !== undefined) {
    url.searchParams.set("application_name", applicationName);
  }
  return url.href;
}

/** A server that somebody else starts and stops. */
export class ForeignServer implements TestServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string | undefined;
  readonly isOwned = false;
  readonly #pid: number | undefined;

  constructor(url: string, pid?: number, dataDir?: string) {
    const { hostname, port } = new URL(url);
    this.url = url;
    this.host = hostname.replace(/^\[|\]$/g, "");
    this.port = Number(port || 5432);
    this.#pid = pid;
    this.dataDir = dataDir;
  }

  get pid(): number {
    if (this.#pid === undefined) {
      throw new Error("Cannot tell the server's pid: it is not one of ours");
    }
    return this.#pid;
  }

  urlFor(options: UrlOptions): string {
    return withOptions(this.url, options);
  }

  stop(): Promise<void> {
    return Promise.reject(
      new Error("Cannot stop the server: it is shared, use startPostgres()"),
    );
  }

  start(): Promise<void> {
    return this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
