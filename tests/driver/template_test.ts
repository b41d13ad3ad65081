import { Template } from "../../src/driver/template.ts";
import { assert, assertEquals, assertStrictEquals } from "../support/assert.ts";

function strings(given: TemplateStringsArray): TemplateStringsArray {
  return given;
}

Deno.test("a template is told once, by its strings", () => {
  const used = () => Template.of(strings`update things`, undefined);
  const template = used();
  assertStrictEquals(used(), template);
  assertEquals(template?.firstWord, "update");
});

Deno.test("two templates of the same text are two", () => {
  const one = Template.of(strings`select 1`, undefined);
  assert(one !== Template.of(strings`select 1`, undefined));
});

Deno.test("the place of a template is one line, outside the package", () => {
  const { place } = Template.of(strings`select 1`, undefined)!;
  assert(/^at .*template_test\.ts:\d+:\d+\)?$/.test(place), place);
});

Deno.test("strings that may change are no template", () => {
  const raw = ["select 1"];
  assertEquals(Template.of(Object.assign(raw, { raw }), undefined), undefined);
});
