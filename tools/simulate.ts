/**
 * `deno task simulate`: random lives of a pool, until one fails.
 *
 * `SEED` is the first to live, `RUNS` how many, `MINUTES` for how long instead.
 * Each life can be lived again by its seed. A seed that fails is lived every
 * time from then on: it joins tests/simulation/corpus.json. A run that is long
 * enough fails, too, when it never reached a rare state: it proves little then.
 */
import { runHistory } from "../tests/simulation/pool_history.ts";
import {
  ENOUGH_LIVES,
  RARE_CORE_STATES,
  RARE_STATES,
} from "../tests/simulation/rare_states.ts";
import { Simulation } from "../tests/simulation/simulation.ts";

// The core alone lives so many lives in the time of one whole pool.
const CORE_LIVES = 10;

function setting(name: string): number | undefined {
  const text = Deno.env.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new TypeError(`Cannot simulate: ${name} is ${text}, not a number`);
}

/** Lives until the runs or the minutes are over; answers how many lives it were. */
async function simulate(simulation: Simulation): Promise<number> {
  const minutes = setting("MINUTES");
  const runs = setting("RUNS") ?? (minutes === undefined ? 5_000 : Infinity);
  const first = setting("SEED") ?? Math.floor(Math.random() * 1e9);
  const end = performance.now() + (minutes ?? Infinity) * 60_000;
  console.log(`From SEED=${first}`);
  let lives = 0;
  for (; lives < runs && performance.now() < end; lives++) {
    // The same seed lives both, so that one of either can be lived again alone.
    const coreSeeds = runs === 1
      ? [first]
      : Array.from({ length: CORE_LIVES }, (_, at) =>
        first + lives * CORE_LIVES + at);
    await liveOne(simulation, first + lives, coreSeeds);
  }
  return lives;
}

const seenOfCore = new Map<string, number>();

async function liveOne(
  simulation: Simulation,
  seed: number,
  coreSeeds: readonly number[],
): Promise<void> {
  let living = seed;
  try {
    for (living of coreSeeds) runHistory(living, seenOfCore);
    await simulation.live(living = seed);
  } catch (error) {
    await simulation.remember(living);
    throw error;
  }
}

/** Fails when so many lives were not enough to reach every rare state. */
function checkStates(lives: number, seen: ReadonlyMap<string, number>): void {
  if (lives < ENOUGH_LIVES) return;
  const missed = [
    ...RARE_STATES.filter((state) => !seen.has(state)),
    ...RARE_CORE_STATES.filter((state) => !seenOfCore.has(state)),
  ];
  if (missed.length === 0) return;
  throw new Error(`These states were never reached: ${missed.join(", ")}`);
}

const simulation = new Simulation();
try {
  const lives = await simulate(simulation);
  console.log(`${lives} lives, and nothing went wrong. What was met:`);
  for (const [state, count] of [...simulation.seen].sort()) {
    console.log(`${String(count).padStart(8)} ${state}`);
  }
  checkStates(lives, simulation.seen);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
