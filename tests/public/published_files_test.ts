import { assertEquals } from "../support/assert.ts";

const ROOT = new URL("../../", import.meta.url);
const DOCUMENTS = ["CHANGELOG.md", "LICENSE", "README.md"];
const MODULES = ["deno.json", "mod.ts"];

/** Answers the files that would be published, as paths in the repository. */
async function publishedFiles(): Promise<string[]> {
  const { stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  const files = output.matchAll(/^\s+(file:\/\/\S+) \(/gm);
  return [...files].map(([, url = ""]) => url.slice(ROOT.href.length)).sort();
}

Deno.test("the package holds its sources and its documents, and nothing else", async () => {
  const files = await publishedFiles();
  const others = files.filter((file) => !/^src\/[a-z_/]+\.ts$/.test(file));
  assertEquals(others, [...DOCUMENTS, ...MODULES].sort());
});
