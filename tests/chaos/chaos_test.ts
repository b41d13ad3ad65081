import { assert, assertEquals } from "../support/assert.ts";
import { runChaos } from "./chaos.ts";
import { badColumns, table } from "./chaos_report.ts";

Deno.test({
  name:
    "random kills under 200 callers lose no money, run nothing twice and hang nobody",
  // The driver's own timer of 0 ms, of a dial that was refused at the very end,
  // may still be pending.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: runBriefly,
});

async function runBriefly(): Promise<void> {
  const report = await runChaos({ seconds: 3, seed: 1 });
  const bad = Object.entries(badColumns(report)).filter(([, count]) => count);
  assertEquals(bad, [], table(report));
  assert(report.lost > 0, "nothing was killed");
  assert(report.statements > 100, "nobody asked for anything");
}
