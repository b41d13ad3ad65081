/**
 * Lives by their seeds.
 *
 * @module
 */

import fc from "npm:fast-check@4.3.0";
import { type Plan, plans } from "./choices.ts";
import { WholePoolHistory } from "./whole_pool_history.ts";

const CORPUS = new URL("corpus.json", import.meta.url);

// How long to look for a shorter life that fails alike; `SHRINK_MS` says otherwise.
const SHRINK_MS = Number(Deno.env.get("SHRINK_MS") ?? 20_000);

// A failure is told in its last steps; most of a life leads nowhere.
const TOLD_STEPS = 60;

/** Lives from their seeds, and what was seen in them. */
export class Simulation {
  /** How often each rare state was reached. */
  readonly seen = new Map<string, number>();

  /** The seeds that have failed once: they are lived every time. */
  async corpus(): Promise<readonly number[]> {
    return JSON.parse(await Deno.readTextFile(CORPUS));
  }

  /** Adds a seed that failed to those that are lived every time. */
  async remember(seed: number): Promise<void> {
    const seeds = new Set([...await this.corpus(), seed]);
    const sorted = [...seeds].sort((a, b) => a - b);
    await Deno.writeTextFile(CORPUS, `[${sorted.join(", ")}]\n`);
  }

  /** Lives one life; answers its steps. Rejects with the shortest life that fails alike. */
  async live(seed: number): Promise<readonly string[]> {
    const [plan] = fc.sample(plans, { seed, numRuns: 1 });
    const history = new WholePoolHistory(plan!, this.seen);
    try {
      await history.run();
    } catch (cause) {
      throw await this.#explain(seed, cause);
    }
    return history.transcript;
  }

  async #explain(seed: number, cause: unknown): Promise<Error> {
    if (SHRINK_MS === 0) return cause as Error;
    const property = fc.asyncProperty(plans, (plan) => liveOnce(plan));
    const { counterexample } = await fc.check(property, {
      seed,
      numRuns: 1,
      interruptAfterTimeLimit: SHRINK_MS,
      markInterruptAsFailure: false,
    });
    const plan = counterexample?.[0];
    const told = plan === undefined ? [] : await tell(plan);
    const message = cause instanceof Error ? cause.message : String(cause);
    return new Error(
      `${message}\nReplay: SEED=${seed} RUNS=1 deno task simulate\n` +
        told.slice(0, 1).concat("…", told.slice(1).slice(-TOLD_STEPS))
          .join("\n"),
      { cause },
    );
  }
}

async function liveOnce(plan: Plan): Promise<void> {
  await new WholePoolHistory(plan, new Map()).run();
}

async function tell(plan: Plan): Promise<readonly string[]> {
  const history = new WholePoolHistory(plan, new Map());
  const failure = await history.run().catch((error) => error);
  return [...history.transcript, `→ ${failure?.message}`];
}
