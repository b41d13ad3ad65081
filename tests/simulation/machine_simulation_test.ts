/**
 * Random lives of a pool, thousands of them.
 *
 * `SEED=17 RUNS=1 deno task simulate` replays one; `MINUTES=5` looks harder.
 * Between any two steps the machine's own invariants hold and an
 * independent oracle agrees with every effect.
 */
import { assertEquals } from "../support/assert.ts";
import { PoolHistory, runHistory } from "./pool_history.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const RUNS = Number(Deno.env.get("RUNS") ?? 5_000);

/** States that are seldom reached; each must be, or the simulation proves little. */
const RARE_STATES = [
  "a failed dial beside open connections",
  "a one-shot asked again",
  "a probe",
  "a refusal at once",
  "a refusal of who waits",
  "a second attempt",
  "a shared connection",
  "a stale closed",
  "a stale dialFailed",
  "a stale dialled",
  "a stale finished",
  "a stale isolate",
  "a stale lost",
  "a stale prepared",
  "a stale release",
  "a stale wasReset",
  "a dial timed out",
  "a timeout and a grant in one step",
  "abort of one just granted",
  "an isolated connection drained",
  "close while connecting",
  "close while preparing",
  "close while releasing",
  "closed: destroyed",
  "closed: expired",
  "closed: idle",
  "closed: maxUses",
  "closed: refresh",
  "closed: reset",
  "closed: resize",
  "closed: shutdown",
  "closed: validation",
  "cut",
  "destroyed: late",
  "destroyed: slow",
  "dialled when closed",
  "dialled when closing",
  "lost while closing",
  "lost while idle",
  "lost while leased",
  "lost while preparing",
  "lost while releasing",
  "lost while shared",
  "max < leased",
  "served before its dial",
];

Deno.test("PoolMachine.step() keeps every promise in any order of inputs", () => {
  const seen = new Map<string, number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    runHistory(seed, seen);
  }
  if (RUNS < 1_000) return;
  const missed = RARE_STATES.filter((state) => !seen.has(state));
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
