import { assert, assertEquals } from "../support/assert.ts";

const ROOT = new URL("../../", import.meta.url);
const PROMISES = 28;

async function textOf(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

Deno.test("RELIABILITY.md has every promise, with tests that are named after it", async () => {
  const rows = (await textOf("RELIABILITY.md")).split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter(([, number = ""]) => /^\d+$/.test(number));
  assertEquals(rows.map(([, number]) => Number(number)), [
    ...Array.from({ length: PROMISES }, (_, index) => index + 1),
  ]);
  for (const [, number, , files = ""] of rows) {
    const names = [...files.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    assert(names.length > 0, `promise ${number} names no test`);
    for (const name of names) {
      const text = await textOf(`tests/integration/${name}`);
      assert(text.includes(`Promise ${number}:`), `${name}: ${number}`);
    }
  }
});

Deno.test("RELIABILITY.md names tasks and files that are there", async () => {
  const text = await textOf("RELIABILITY.md");
  const { tasks } = JSON.parse(await textOf("deno.json"));
  const named = [...text.matchAll(/`deno task (\w+)/g)].map(([, name]) =>
    name!
  );
  assert(named.length > 5);
  for (const name of named) assert(name in tasks, name);
  for (const [, path] of text.matchAll(/`(tests\/[^`]+)`/g)) {
    if (path!.endsWith(".ts")) await Deno.stat(new URL(path!, ROOT));
  }
});
