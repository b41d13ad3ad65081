import { join } from "node:path";
import { serverUser } from "./embedded_postgres.ts";
import { OrphanGuard } from "./orphan_guard.ts";
import {
  type StopMode,
  type TestServer,
  type UrlOptions,
  withOptions,
} from "./test_server.ts";

/** What a new server is to be like. */
export interface StartOptions {
  /** Lines for `postgresql.conf`; a value is quoted for you. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines that replace `pg_hba.conf`; everybody on loopback is trusted unless told otherwise. */
  readonly hba?: readonly string[];
  /** Makes the server speak TLS. */
  readonly tls?: { readonly certPem: string; readonly keyPem: string };
  /** More arguments for `initdb`. */
  readonly initdbArgs?: readonly string[];
}

const READY_WITHIN_MS = 30_000;
const STOPPED_WITHIN_MS = 30_000;
const POLL_MS = 15;
const SIGNALS = {
  smart: "SIGTERM",
  fast: "SIGINT",
  immediate: "SIGQUIT",
} as const;

/** A server whose files and process are ours. */
export class EmbeddedServer implements TestServer {
  readonly host = "127.0.0.1";
  readonly dataDir: string;
  readonly isOwned = true;
  readonly #programs: string;
  readonly #folder: string;
  readonly #guard: OrphanGuard;
  #port = 0;
  #process: Deno.ChildProcess | undefined;

  constructor(programs: string, folder: string) {
    this.#programs = programs;
    this.#folder = folder;
    this.dataDir = join(folder, "data");
    this.#guard = new OrphanGuard(folder, this.dataDir);
  }

  get url(): string {
    return `postgres://postgres@${this.host}:${this.#port}/postgres`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    if (this.#process === undefined) {
      throw new Error("Cannot tell the server's pid: it is stopped");
    }
    return this.#process.pid;
  }

  urlFor(options: UrlOptions): string {
    return withOptions(this.url, options);
  }

  async initialize(options: StartOptions): Promise<void> {
    await this.#initdb(options.initdbArgs ?? []);
    const settings: Record<string, string> = {
      listen_addresses: this.host,
      unix_socket_directories: "",
      max_connections: "200",
      shared_buffers: "64MB",
      fsync: "off",
      synchronous_commit: "off",
      full_page_writes: "off",
    };
    if (options.tls !== undefined) {
      await this.#writeFile("server.crt", options.tls.certPem);
      await this.#writeFile("server.key", options.tls.keyPem);
      settings["ssl"] = "on";
    }
    Object.assign(settings, options.settings);
    const lines = Object.entries(settings).map(([name, value]) =>
      `${name} = '${value.replaceAll("'", "''")}'\n`
    );
    await Deno.writeTextFile(
      join(this.dataDir, "postgresql.conf"),
      lines.join(""),
      { append: true },
    );
    if (options.hba !== undefined) {
      await this.#writeFile("pg_hba.conf", options.hba.join("\n") + "\n");
    }
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) {
      throw new Error(`Cannot start the server: it runs as ${this.pid}`);
    }
    const isFirst = this.#port === 0;
    for (let attemptsLeft = isFirst ? 5 : 1;; attemptsLeft--) {
      if (isFirst) this.#port = freePort(this.host);
      if (await this.#spawn()) return;
      const log = await this.#log();
      const isPortTaken = log.includes("could not create any TCP/IP sockets");
      if (isPortTaken && attemptsLeft > 1) continue;
      throw new Error("Cannot start PostgreSQL: it ended", { cause: log });
    }
  }

  async stop(mode: StopMode = "fast"): Promise<void> {
    const server = this.#process;
    if (server === undefined) return;
    signal(server, SIGNALS[mode]);
    const isLate = setTimeout(
      () => signal(server, "SIGKILL"),
      STOPPED_WITHIN_MS,
    );
    await server.status;
    clearTimeout(isLate);
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate");
    await Deno.remove(this.#folder, { recursive: true });
    await this.#guard.dismiss();
  }

  async #initdb(args: readonly string[]): Promise<void> {
    const { success, stderr } = await new Deno.Command(
      join(this.#programs, "bin", "initdb"),
      {
        args: [
          ...["-D", this.dataDir, "-U", "postgres", "-A", "trust"],
          ...["-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"],
          ...args,
        ],
        cwd: this.#folder,
        ...serverUser(),
      },
    ).output();
    if (success) return;
    throw new Error("Cannot make a database cluster: initdb failed", {
      cause: new TextDecoder().decode(stderr),
    });
  }

  /** Whether the server came up; `false` if its process ended instead. */
  async #spawn(): Promise<boolean> {
    const logFile = join(this.#folder, "log");
    const program = join(this.#programs, "bin", "postgres");
    const args = ["-D", this.dataDir, "-p", String(this.#port)];
    const isWindows = Deno.build.os === "windows";
    // The shell only points the output at a file: were it piped to us, reading
    // it would look to the test sanitizers like work that a test began.
    const server = new Deno.Command(isWindows ? program : "sh", {
      args: isWindows
        ? args
        : ["-c", `exec "$0" "$@" >"${logFile}" 2>&1`, program, ...args],
      cwd: this.#folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: true, // a Ctrl-C is for us, who then stop the server in order
      ...serverUser(),
    }).spawn();
    server.unref();
    this.#process = server;
    if (await this.#isReady(server)) return true;
    this.#process = undefined;
    return false;
  }

  async #isReady(server: Deno.ChildProcess): Promise<boolean> {
    let hasEnded = false;
    const ended = server.status.then(() => hasEnded = true);
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!hasEnded) {
      if (await this.#state(server.pid) === "ready") return true;
      if (Date.now() > deadline) {
        signal(server, "SIGQUIT");
        await ended;
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  /** What the server says of itself in the eighth line of its pid file. */
  async #state(pid: number): Promise<string | undefined> {
    const text = await Deno.readTextFile(join(this.dataDir, "postmaster.pid"))
      .catch(() => "");
    const lines = text.split("\n");
    return lines[0] === String(pid) ? lines[7]?.trim() : undefined;
  }

  async #log(): Promise<string> {
    return await Deno.readTextFile(join(this.#folder, "log")).catch(() => "");
  }

  /** Writes a file that only the server may read, as it demands of its key. */
  async #writeFile(name: string, text: string): Promise<void> {
    const path = join(this.dataDir, name);
    await Deno.writeTextFile(path, text, { mode: 0o600 });
    const { uid, gid } = serverUser();
    if (uid !== undefined) await Deno.chown(path, uid, gid ?? null);
  }
}

function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

function signal(process: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    process.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
}
