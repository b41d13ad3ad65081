import {
  checkOptions,
  type OptionRule,
  passedTo,
  readOptions,
} from "../../src/options/option_check.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const COUNT: OptionRule = {
  expected: "a number",
  read: (value) => typeof value === "number" ? { value } : { fault: "type" },
};
const RULES = { count: COUNT };
const SOURCE = passedTo("count");

Deno.test("readOptions() and checkOptions() heed what options inherit", () => {
  const good = Object.create({ count: 1 });
  assertEquals(readOptions(RULES, good, SOURCE), { count: 1 });
  checkOptions(RULES, good, SOURCE);
  for (const bad of [{ count: "1" }, { amount: 1 }]) {
    const options = Object.create(bad);
    assertThrows(() => readOptions(RULES, options, SOURCE), TypeError);
    assertThrows(() => checkOptions(RULES, options, SOURCE), TypeError);
  }
});
