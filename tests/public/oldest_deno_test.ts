import { fileURLToPath } from "node:url";

import { assertEquals } from "../support/assert.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { sharedPostgres, startPostgres } from "../support/postgres_server.ts";

/** The oldest that the README promises. */
const OLDEST = "2.5.0";

const PACKAGES = new Map([
  ["linux x86_64", "linux-x64-glibc"],
  ["linux aarch64", "linux-arm64-glibc"],
  ["darwin x86_64", "darwin-x64"],
  ["darwin aarch64", "darwin-arm64"],
]);
const platform = PACKAGES.get(`${Deno.build.os} ${Deno.build.arch}`);

const FLAGS = ["--allow-all", "--no-check", "--no-lock", "--no-config"];

const PROGRAM = `
import { createPool } from "${new URL("../../mod.ts", import.meta.url)}";
const [url, ...modes] = Deno.args;
for (const ssl of modes) {
  await using pool = createPool(url, { max: 2, ssl });
  const [{ text }] = await pool\`select repeat('x', 300000) as text\`;
  const numbers = await Promise.all([1, 2, 3].map(async (number) => {
    await using connection = await pool.acquire();
    const [row] = await connection\`select \${number}::int as number\`;
    return row.number;
  }));
  const [{ ssl: isSecret }] = await pool\`
    select ssl from pg_stat_ssl where pid = pg_backend_pid()\`;
  console.log(Deno.version.deno, ssl, isSecret, text.length, ...numbers);
}
`;

/** The program of that version, from npm; fetched in a process of its own, out of the lock file. */
async function oldestDeno(): Promise<string> {
  const script = `
const specifier = "npm:@deno/${platform}@${OLDEST}/package.json";
await import(specifier, { with: { type: "json" } });
console.log(import.meta.resolve(specifier));`;
  const fetched = await run(Deno.execPath(), ["eval", "--quiet", script]);
  return fileURLToPath(new URL("deno", fetched));
}

// What another version says was covered is not told in the same places.
const { DENO_COVERAGE_DIR: _, ...env } = Deno.env.toObject();

async function run(program: string, args: string[]): Promise<string> {
  const cwd = await Deno.makeTempDir({ prefix: "tidepool-oldest-" });
  try {
    const command = new Deno.Command(program, {
      args,
      cwd,
      env,
      clearEnv: true,
      stdin: "null",
    });
    const { success, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(decoder.decode(stderr));
    return decoder.decode(stdout).trim();
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

Deno.test({
  name: `It runs on the oldest Deno of the README, ${OLDEST}`,
  ignore: platform === undefined,
  async fn() {
    const readme = new URL("../../README.md", import.meta.url);
    const [, promised] =
      (await Deno.readTextFile(readme)).match(/Deno (\d+\.\d+) or later/) ?? [];
    assertEquals(`${promised}.0`, OLDEST);
    const plain = await sharedPostgres();
    const tls = await (await CertificateAuthority.create()).issue();
    await using secret = await startPostgres({ tls });
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(file, PROGRAM);
      const deno = await oldestDeno();
      const visit = async (...args: readonly string[]) =>
        (await run(deno, ["run", ...FLAGS, file, ...args])).split("\n");
      assertEquals(await visit(plain.url, "disable", "prefer"), [
        `${OLDEST} disable false 300000 1 2 3`,
        `${OLDEST} prefer false 300000 1 2 3`,
      ]);
      assertEquals(await visit(secret.url, "disable", "prefer", "require"), [
        `${OLDEST} disable false 300000 1 2 3`,
        `${OLDEST} prefer true 300000 1 2 3`,
        `${OLDEST} require true 300000 1 2 3`,
      ]);
    } finally {
      await Deno.remove(file);
    }
  },
});
