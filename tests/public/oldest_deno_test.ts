import { fileURLToPath } from "node:url";

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

const PROGRAM = `
import { createPool } from "${new URL("../../mod.ts", import.meta.url)}";
const [url, ca, ...modes] = Deno.args;
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
    name: `It runs on Deno ${version}`,
    ignore: platform === undefined,
    async fn() {
      const authority = await CertificateAuthority.create();
      const server = await sharedPostgres();
      const tls = await authority.issue();
      await using guarded = await startPostgres({ tls });
      const file = await Deno.makeTempFile({ suffix: ".ts" });
      try {
        await Deno.writeTextFile(file, PROGRAM);
        const deno = await denoOf(version);
        const visit = (url: string, modes: readonly string[]) =>
          run(deno, ["run", ...FLAGS, file, url, authority.certPem, ...modes]);
        const printed = await visit(server.url, plain);
        assertEquals(
          printed.split("\n"),
          plain.map((mode) => told(mode, false)),
        );
        const secretly = await visit(guarded.url, secret);
        assertEquals(
          secretly.split("\n"),
          secret.map((mode) => told(mode, mode !== "disable")),
        );
      } finally {
        await Deno.remove(file);
      }
      function told(mode: string, isSecret: boolean): string {
        return `${version} ${mode} ${isSecret} 300000 1 2 3`;
      }
    },
  });
}
