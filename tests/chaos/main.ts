/**
 * `deno task chaos --seconds 60`: random kills under load, and what is wrong
 * afterwards. `SEED` chooses the kills. Its exit code is 0 only if nothing is.
 */
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";
import { isClean, table } from "./chaos_report.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" } },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) {
  throw new RangeError(`--seconds must be a positive number: ${seconds}`);
}
const given = Deno.env.get("SEED");
const seed = given === undefined
  ? crypto.getRandomValues(new Uint32Array(1))[0]!
  : Number(given);

console.log(`SEED=${seed} deno task chaos --seconds ${seconds}`);
const report = await runChaos({ seconds, seed });
console.log(table(report));
Deno.exit(isClean(report) ? 0 : 1);
