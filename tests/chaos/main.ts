/**
 * `deno task chaos --seconds 60`: random kills under load, and what is wrong
 * afterwards. `SEED` chooses the kills. Its exit code is 0 only if nothing is.
 */
import { numbersOrExit } from "../support/number_options.ts";
import { runChaos } from "./chaos.ts";
import { isClean, table } from "./chaos_report.ts";

const { seconds } = numbersOrExit({
  seconds: { default: 10, least: 1, about: "for how long it kills" },
});
const given = Deno.env.get("SEED");
const seed = given === undefined
  ? crypto.getRandomValues(new Uint32Array(1))[0]!
  : Number(given);

console.log(`SEED=${seed} deno task chaos --seconds ${seconds}`);
const report = await runChaos({ seconds, seed });
console.log(table(report));
Deno.exit(isClean(report) ? 0 : 1);
