/**
 * Random lives of a whole pool, hundreds of them.
 *
 * `deno task simulate` lives more of them, and tells how to live one again.
 */
import { assertEquals } from "../support/assert.ts";
import { ENOUGH_LIVES, RARE_STATES } from "./rare_states.ts";
import { Simulation } from "./simulation.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const RUNS = Number(Deno.env.get("RUNS") ?? ENOUGH_LIVES);

Deno.test("a pool keeps every promise, whatever happens around it", async () => {
  const simulation = new Simulation();
  for (const seed of await simulation.corpus()) await simulation.live(seed);
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    await simulation.live(seed);
  }
  if (RUNS < ENOUGH_LIVES) return;
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
