/**
 * Random lives of a pool, thousands of them.
 *
 * `SEED=17 RUNS=1 deno task simulate` replays one; `MINUTES=5` looks harder.
 * Between any two steps the machine's own invariants hold and an
 * independent oracle agrees with every effect.
 */
import { assertEquals } from "../support/assert.ts";
import { RARE_CORE_STATES } from "./rare_states.ts";
import { PoolHistory, runHistory } from "./pool_history.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const RUNS = Number(Deno.env.get("RUNS") ?? 5_000);

Deno.test("PoolMachine.step() keeps every promise in any order of inputs", () => {
  const seen = new Map<string, number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    runHistory(seed, seen);
  }
  if (RUNS < 1_000) return;
  const missed = RARE_CORE_STATES.filter((state) => !seen.has(state));
  assertEquals(missed, [], "These states were never reached");
});

Deno.test("PoolMachine.step() answers the same inputs the same way", () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 50; seed++) {
    const [first, second] = [0, 1].map(() => {
      const history = new PoolHistory(seed, new Map(), true);
      history.run();
      return history.transcript;
    });
    assertEquals(first, second);
  }
});
