/**
 * Random lives of a whole pool, hundreds of them.
 *
 * `deno task simulate` lives more of them, and tells how to live one again.
 */
import { assertEquals } from "../support/assert.ts";
import { Simulation } from "./simulation.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const RUNS = Number(Deno.env.get("RUNS") ?? 600);

/** States that are seldom reached; each must be, or the simulation proves little. */
const RARE_STATES = [
  "53300 with a session",
  "53300 with no session",
  "a cancel request fails",
  "a cancel request hits",
  "a cancel request misses",
  "a deadline and a grant in one step",
  "a dial opens amid a close",
  "a dial opens when given up",
  "a hook misbehaves",
  "a listener uses the pool",
  "a loss, then a reply",
  "a reply, then a loss",
  "several replies in one packet",
  "an abort at the hand-off",
  "closed while connecting",
  "closed while leased",
  "closed while preparing",
  "closed while releasing",
  "closed while shared",
  "detached",
  "lost while closing",
  "lost while idle",
  "lost while leased",
  "lost while preparing",
  "lost while releasing",
  "lost while shared",
];

Deno.test("a pool keeps every promise, whatever happens around it", async () => {
  const simulation = new Simulation();
  for (const seed of await simulation.corpus()) await simulation.live(seed);
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    await simulation.live(seed);
  }
  if (RUNS < 600) return;
  const missed = RARE_STATES.filter((state) => !simulation.seen.has(state));
  assertEquals(missed, [], "These states were never reached");
});

Deno.test("a pool lives the same life from the same seed", async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 20; seed++) {
    const [first, second] = [
      await new Simulation().live(seed),
      await new Simulation().live(seed),
    ];
    assertEquals(first, second);
  }
});
