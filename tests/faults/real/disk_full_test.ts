import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../support/assert.ts";
import { scratchFolder, serverUser } from "../../support/embedded_postgres.ts";
import { poolWorld, worldServer } from "../../support/pool_world.ts";
import { faultWhere } from "./fault_case.ts";

const disk = await mountDisk();

/** Mounts a disk of 4 MB that the server may write to; `undefined` where that is not allowed. */
async function mountDisk(): Promise<string | undefined> {
  const { uid, gid } = serverUser();
  if (Deno.build.os !== "linux" || uid === undefined) return undefined;
  if (worldServer.dataDir === undefined) return undefined;
  const folder = await Deno.makeTempDir({
    dir: scratchFolder(),
    prefix: "tidepool-disk-",
  });
  const options = `size=4m,uid=${uid},gid=${gid},mode=700`;
  const args = ["-t", "tmpfs", "-o", options, "tmpfs", folder];
  if (await run("mount", args)) return folder;
  await Deno.remove(folder);
  return undefined;
}

/** Whether a program did what it was to do; not where there is none. */
async function run(program: string, args: string[]): Promise<boolean> {
  try {
    const options = { args, stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(program, options).output()).success;
  } catch {
    return false;
  }
}

/** A tablespace on that disk, which goes with it. */
class SmallSpace implements AsyncDisposable {
  readonly name = `small_${crypto.randomUUID().replaceAll("-", "")}`;
  readonly #admin: { unsafe(sql: string): PromiseLike<unknown> };

  constructor(admin: { unsafe(sql: string): PromiseLike<unknown> }) {
    this.#admin = admin;
  }

  async create(): Promise<this> {
    const folder = join(disk!, "space");
    await Deno.mkdir(folder);
    const { uid, gid } = serverUser();
    await Deno.chown(folder, uid ?? null, gid ?? null);
    await this.#admin.unsafe(
      `create tablespace ${this.name} location '${folder}'`,
    );
    await this.#admin.unsafe(
      `create table ${this.name} (a text) tablespace ${this.name}`,
    );
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.unsafe(`drop table ${this.name}`);
    await this.#admin.unsafe(`drop tablespace ${this.name}`);
    await run("umount", [disk!]);
    await Deno.remove(disk!);
  }
}

faultWhere(
  disk === undefined ? "a small disk cannot be mounted here" : undefined,
  "53100: a disk that is full is an error of whoever writes, and the session stays",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    await using space = await new SmallSpace(world.admin).create();
    const { pool } = world;
    const fill = `insert into ${space.name}
      select repeat(md5(random()::text), 30) from generate_series(1, 20000)`;
    await using lease = await pool.acquire();
    const { pid } = lease;
    const ways = [
      () => lease.unsafe(fill),
      () => lease.transaction((tx) => tx.unsafe(fill)),
      () => pool.unsafe(fill),
    ];
    for (const way of ways) {
      const error = await assertRejects(async () => await way());
      assertEquals((error as Error & { code?: unknown }).code, "53100");
    }
    assertEquals(lease.transactionStatus, "idle");
    const [row] = await lease`select pg_backend_pid() as pid`;
    assertEquals(row!["pid"], pid);
    const { lost, opened } = pool.stats();
    assertEquals(lost, 0);
    assert(opened <= 2);
  },
);
