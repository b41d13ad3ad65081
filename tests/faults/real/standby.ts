/** A streaming standby of a server of ours, made of a copy of its files. */
import { join } from "node:path";
import {
  embeddedPostgres,
  scratchFolder,
  serverUser,
} from "../../support/embedded_postgres.ts";
import { EmbeddedServer } from "../../support/embedded_server.ts";
import type { TestServer } from "../../support/postgres_server.ts";

/**
 * Makes a standby that follows `primary`, which is stopped for the copy: the
 * embedded programs have no `pg_basebackup`.
 */
export async function startStandby(primary: TestServer): Promise<TestServer> {
  const folder = await Deno.makeTempDir({
    dir: scratchFolder(),
    prefix: "tidepool-server-",
  });
  const standby = new EmbeddedServer(await embeddedPostgres(), folder);
  try {
    await primary.stop("fast");
    await copyData(primary.dataDir!, folder);
    await primary.start();
    await follow(primary, standby.dataDir);
    await standby.start();
  } catch (error) {
    await standby[Symbol.asyncDispose]();
    throw error;
  }
  return standby;
}

async function copyData(from: string, folder: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", {
    args: ["-a", from, join(folder, "data")],
  }).output();
  if (!success) {
    const cause = new TextDecoder().decode(stderr);
    throw new Error("Cannot copy a server's files", { cause });
  }
  const { uid, gid } = serverUser();
  if (uid !== undefined) await Deno.chown(folder, uid, gid ?? null);
}

async function follow(primary: TestServer, dataDir: string): Promise<void> {
  const { host, port } = primary;
  await Deno.writeTextFile(
    join(dataDir, "postgresql.conf"),
    `primary_conninfo = 'host=${host} port=${port} user=postgres'\n`,
    { append: true },
  );
  const signal = join(dataDir, "standby.signal");
  await Deno.writeTextFile(signal, "");
  const { uid, gid } = serverUser();
  if (uid !== undefined) await Deno.chown(signal, uid, gid ?? null);
}
