import type { Measured, Scene } from "./workload.ts";

/** What is timed; `loop` is the number of the caller. */
export type Operation = (loop: number) => PromiseLike<unknown> | undefined;

// Reading the clock costs as much as a fifth of a release: one caller alone,
// who is the fastest, reads it now and then.
const CLOCK_EVERY = 64;

/** Runs an operation in so many loops at once; answers operations per second. */
export async function rateOf(
  { warmMs, runMs }: Pick<Scene, "warmMs" | "runMs">,
  loops: number,
  operation: Operation,
): Promise<number> {
  await repeat(warmMs, loops, operation);
  const { count, elapsedMs } = await repeat(runMs, loops, operation);
  return count / elapsedMs * 1_000;
}

/** Warms an operation up, and then times it each time it is asked. */
export async function* ratesOf(
  { warmMs, runMs }: Pick<Scene, "warmMs" | "runMs">,
  loops: number,
  operation: Operation,
): AsyncGenerator<Measured, void> {
  await repeat(warmMs, loops, operation);
  yield {};
  for (;;) {
    // The caches were others' meanwhile.
    const warmAgainMs = runMs / 6;
    yield {
      rate: await rateOf({ warmMs: warmAgainMs, runMs }, loops, operation),
    };
  }
}

async function repeat(
  forMs: number,
  loops: number,
  operation: Operation,
): Promise<{ count: number; elapsedMs: number }> {
  const every = loops === 1 ? CLOCK_EVERY : 1;
  const start = performance.now();
  const end = start + forMs;
  let count = 0;
  const callers = Array.from({ length: loops }, async (_, loop) => {
    do {
      for (let left = every; left > 0; left--) {
        keep(await operation(loop));
        count++;
      }
    } while (performance.now() < end);
  });
  await Promise.all(callers);
  return { count, elapsedMs: performance.now() - start };
}

let kept: unknown;

/** Uses a result, so that no compiler may find that it is not needed. */
export function keep(result: unknown): void {
  kept = result;
}

/** What was kept last, for whoever wants to see that something was. */
export function lastKept(): unknown {
  return kept;
}

/** The value below which that share of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
}
