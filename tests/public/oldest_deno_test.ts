import { fileURLToPath, pathToFileURL } from "node:url";

import { build } from "../../tools/build.ts";

import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { sharedPostgres, startPostgres } from "../support/postgres_server.ts";

/** The oldest that the README promises, with all of TLS and with what there is of it. */
const OLDEST = "2.5.0";
const OLDEST_OF_ALL = "2.1.4";

const PACKAGES = new Map([
  ["linux x86_64", "linux-x64-glibc"],
  ["linux aarch64", "linux-arm64-glibc"],
  ["darwin x86_64", "darwin-x64"],
  ["darwin aarch64", "darwin-arm64"],
]);
const platform = PACKAGES.get(`${Deno.build.os} ${Deno.build.arch}`);

const FLAGS = ["--allow-all", "--no-check", "--no-lock", "--no-config"];

const MODULES = new URL("../../mod.ts", import.meta.url).href;

const PROGRAM = `
const [address, url, ca, ...modes] = Deno.args;
const { createPool } = await import(address);
for (const ssl of modes) {
  const secret = ssl === "verify-full" ? { ca } : ssl;
  await using pool = createPool(url, { max: 2, ssl: secret });
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
async function denoOf(version: string): Promise<string> {
  const script = `
const specifier = "npm:@deno/${platform}@${version}/package.json";
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

/** What each of the versions is to do, with a server that has no TLS and with one that has. */
const VISITS: Record<string, { plain: string[]; secret: string[] }> = {
  [OLDEST]: {
    plain: ["disable", "prefer"],
    secret: ["disable", "prefer", "require", "verify-full"],
  },
  [OLDEST_OF_ALL]: {
    plain: ["disable", "prefer"],
    secret: ["disable", "verify-full"],
  },
};

Deno.test("The README promises the Deno versions that are tried", async () => {
  const readme = new URL("../../README.md", import.meta.url);
  const text = await Deno.readTextFile(readme);
  assertStringIncludes(text, `Deno ${OLDEST_OF_ALL} or later`);
  assertStringIncludes(text, `before ${OLDEST.slice(0, -2)}, `);
});

for (const [version, { plain, secret }] of Object.entries(VISITS)) {
  Deno.test({
    name: `It runs on Deno ${version}, as modules and in one file`,
    ignore: platform === undefined,
    async fn() {
      const authority = await CertificateAuthority.create();
      const tls = await authority.issue();
      await using guarded = await startPostgres({ tls });
      const server = await sharedPostgres();
      const folder = await Deno.makeTempDir({ prefix: "tidepool-oldest-" });
      try {
        const file = `${folder}/program.ts`;
        await Deno.writeTextFile(file, PROGRAM);
        const built = await build(pathToFileURL(`${folder}/dist/`));
        const deno = await denoOf(version);
        const visit = async (...args: readonly string[]) =>
          (await run(deno, ["run", ...FLAGS, file, ...args])).split("\n");
        for (const from of [MODULES, built.href]) {
          const { certPem } = authority;
          assertEquals(
            await visit(from, server.url, certPem, ...plain),
            plain.map((mode) => `${version} ${mode} false 300000 1 2 3`),
          );
          assertEquals(
            await visit(from, guarded.url, certPem, ...secret),
            secret.map((mode) =>
              `${version} ${mode} ${mode !== "disable"} 300000 1 2 3`
            ),
          );
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
