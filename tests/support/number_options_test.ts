import { assertEquals, assertThrows } from "./assert.ts";
import { readNumbers, Usage } from "./number_options.ts";

const OPTIONS = {
  seconds: { default: 10, least: 1, about: "how long it runs" },
  leases: { default: 5, least: 0, about: "how many it takes" },
};

Deno.test("options that are numbers have their defaults where they are not given", () => {
  assertEquals(readNumbers([], OPTIONS), { seconds: 10, leases: 5 });
  assertEquals(readNumbers(["--leases", "0"], OPTIONS), {
    seconds: 10,
    leases: 0,
  });
});

for (
  const [args, message] of [
    [["--seconds", "0"], "must be a number from 1 on, got '0'"],
    [["--seconds", "soon"], "must be a number from 1 on, got 'soon'"],
    [["--seconds="], "must be a number from 1 on, got ''"],
    [["--minutes", "1"], "--minutes"],
    [["now"], "now"],
    [["--help"], "--seconds 10: how long it runs\n--leases 5: how many"],
    [["-h"], "--seconds 10: how long it runs"],
  ] as const
) {
  Deno.test(`${args.join(" ")} is answered with how it is used`, () => {
    assertThrows(() => readNumbers(args, OPTIONS), Usage, message);
  });
}
