import { serverUser } from "./embedded_postgres.ts";

/**
 * Ends a server and removes its folder when we die without doing so ourselves:
 * after a Ctrl-C, a kill, or the end of a test file that forgot.
 *
 * A shell waits for the end of its standard input, a pipe that we hold. The
 * system closes it whatever we die of.
 */
export class OrphanGuard {
  readonly #shell: Deno.ChildProcess | undefined;

  /** Guards `folder` and the server whose data is in `dataDir`, started or not. */
  constructor(folder: string, dataDir: string) {
    if (Deno.build.os === "windows") return; // no shell that could do it
    this.#shell = new Deno.Command("sh", {
      args: ["-c", SCRIPT, folder, dataDir],
      cwd: "/",
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
      ...serverUser(),
    }).spawn();
    this.#shell.unref();
  }

  /** Stops guarding: what was guarded is gone. */
  async dismiss(): Promise<void> {
    if (this.#shell === undefined) return;
    this.#shell.ref();
    await this.#shell.stdin.close();
    await this.#shell.status;
  }
}

// The pid is read at the very end, for the server may have been stopped and
// started since. Its file is gone when the server is; the process may stay
// listed for longer, where nobody reaps orphans.
const SCRIPT = `
trap '' HUP INT TERM
cat >/dev/null
pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) && [ "$pid" -gt 1 ] || pid=
if [ -n "$pid" ]; then
  kill -QUIT "$pid"
  tries=100
  while [ "$tries" -gt 0 ] && [ -e "$1/postmaster.pid" ]; do
    sleep 0.05
    tries=$((tries - 1))
  done
fi
rm -rf "$0" || { sleep 0.2 && rm -rf "$0"; }
`;
