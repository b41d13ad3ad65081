/**
 * `deno task simulate`: random lives of a pool, until one fails.
 *
 * `SEED` is the first to live, `RUNS` how many, `MINUTES` for how long instead.
 * Each life can be lived again by its seed. A seed that fails is lived every
 * time from then on: it joins tests/simulation/corpus.json.
 */
import { runHistory } from "../tests/simulation/pool_history.ts";
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
  let seed = first;
  for (; seed < first + runs && performance.now() < end; seed++) {
    await liveOne(simulation, seed, runs === 1 ? 1 : CORE_LIVES);
  }
  return seed - first;
}

async function liveOne(
  simulation: Simulation,
  seed: number,
  coreLives: number,
): Promise<void> {
  try {
    for (let at = 0; at < coreLives; at++) runHistory(seed + at, new Map());
    await simulation.live(seed);
  } catch (error) {
    await simulation.remember(seed);
    throw error;
  }
}

const simulation = new Simulation();
try {
  const lives = await simulate(simulation);
  console.log(`${lives} lives, and nothing went wrong. What was met:`);
  for (const [state, count] of [...simulation.seen].sort()) {
    console.log(`${String(count).padStart(8)} ${state}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
