import { MUTANTS } from "../../tools/mutants/mutants.ts";
import { assert, assertEquals } from "../support/assert.ts";

Deno.test("each mutant can be planted: its text is in its file exactly once", async () => {
  assert(MUTANTS.length >= 30);
  for (const { name, file, find, replace } of MUTANTS) {
    const source = await Deno.readTextFile(
      new URL(`../../${file}`, import.meta.url),
    );
    assertEquals(source.split(find).length - 1, 1, name);
    assert(find !== replace, name);
  }
});
