/** ARCHITECTURE.md has what there is. */
import { assertEquals } from "../support/assert.ts";

const ROOT = new URL("../../", import.meta.url);
const TEXT = await Deno.readTextFile(new URL("ARCHITECTURE.md", ROOT));

/** Answers which of the names have no place in a text. */
function missingFrom(text: string, names: readonly string[]): string[] {
  return names.filter((name) => !text.includes(name));
}

/** Answers the string literals between two markers of a source file. */
async function literals(
  path: string,
  from: string,
  to: string,
): Promise<string[]> {
  const source = await Deno.readTextFile(new URL(path, ROOT));
  const [, part = ""] = source.split(from);
  const [list = ""] = part.split(to);
  return [...list.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name);
}

for (
  const [folders, indent] of [
    [["src"], 2],
    [["src/core", "src/driver", "src/shell"], 4],
  ] as const
) {
  Deno.test(`the tree in ARCHITECTURE.md has every file and folder of ${folders}`, () => {
    const entries = [];
    for (const folder of folders) {
      entries.push(...Deno.readDirSync(new URL(folder, ROOT)));
    }
    const before = `\n${" ".repeat(indent)}`;
    const names = entries.map(({ name, isDirectory }) =>
      isDirectory ? `${before}${name}/ ` : `${before}${name} `
    );
    assertEquals(missingFrom(TEXT, names), []);
    const line = new RegExp(`^ {${indent}}([a-z_]+\\.ts|[a-z_]+\\/) `, "gm");
    assertEquals([...TEXT.matchAll(line)].length, names.length);
  });
}

Deno.test("ARCHITECTURE.md names the files that there are", async () => {
  const paths = [...TEXT.matchAll(/`([a-z]+\/[a-z_/]+\.ts)`/g)]
    .map(([, path = ""]) => path);
  const missing: string[] = [];
  for (const path of paths) {
    const places = [new URL(path, ROOT), new URL(`src/${path}`, ROOT)];
    const found = await Promise.all(
      places.map((place) => Deno.stat(place).then(() => true, () => false)),
    );
    if (!found.includes(true)) missing.push(path);
  }
  assertEquals(missing, []);
});

Deno.test("the diagram of a slot has every state and no other", async () => {
  const states = await literals("src/core/slot.ts", "type SlotState =", ";");
  const [, after = ""] = TEXT.split("A slot, the pool's record");
  const [, diagram = ""] = after.split("```");
  const drawn = diagram.matchAll(/^ {2}(\w+) --> (\w+)/gm);
  const names = new Set(
    [...drawn].flatMap(([, from = "", to = ""]) => [from, to]),
  );
  assertEquals([...names].sort(), states.sort());
});

Deno.test("ARCHITECTURE.md lists every event of a pool", async () => {
  const types = await literals(
    "src/pool_events.ts",
    "new Set<PoolEventType>([",
    "]",
  );
  const [, list = ""] = TEXT.split("- The events are ");
  const [first = ""] = list.split(". ");
  const told = [...first.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
  assertEquals(told, types);
});
