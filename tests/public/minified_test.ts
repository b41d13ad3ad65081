import { assertEquals } from "../support/assert.ts";

const MOD = new URL("../../mod.ts", import.meta.url);

const PROGRAM = `
import * as tidepool from "${MOD}";
const names = Object.keys(tidepool).filter((name) => name.endsWith("Error"));
const made = names.filter((name) => name !== "PostgresError")
  .filter((name) => name !== "PoolError")
  .map((name) => [name, tidepool[name].prototype.name]);
console.log(JSON.stringify(made));
`;

async function run(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("an error keeps its name in a bundle that is minified", async () => {
  const program = await Deno.makeTempFile({ suffix: ".ts" });
  const bundled = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(program, PROGRAM);
    const flags = [
      "--quiet",
      "--minify",
      "--platform=deno",
      "--output",
      bundled,
    ];
    await run("bundle", ...flags, program);
    const made = JSON.parse(await run("run", "--no-config", bundled));
    assertEquals(made.length, 9);
    for (const [name, told] of made) assertEquals(told, name);
  } finally {
    await Deno.remove(program);
    await Deno.remove(bundled);
  }
});
