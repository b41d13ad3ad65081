import type { Contender } from "../contenders/contender.ts";

/** One number that a workload gives. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: "more" | "less";
}

/** Where a workload runs, and for how long. */
export interface Scene {
  /** The contender's name. */
  readonly name: string;
  readonly contender: Contender;
  readonly url: string;
  /** The certificate that the server's was signed with. */
  readonly ca: string;
  readonly warmMs: number;
  readonly runMs: number;
}

/** Answers each metric by its name. */
export type Measured = Readonly<Record<string, number>>;

/** What every contender is made to do. */
export interface Workload {
  readonly name: string;
  /** What is done, in a few words. */
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly contenders: readonly string[];
  /** How many rounds: fewer where one costs much, more where contenders are close. */
  readonly rounds?: number;
  /** The contenders that take too long for as many rounds as the others. */
  readonly slow?: readonly string[];
  /** How long each of them takes, unless as in all others. */
  readonly runMs?: number;
  /** Whether its metrics are the points of one series, to be drawn as one chart. */
  readonly isSeries?: boolean;
  /** Whether the runner measures a whole process, instead of being in it. */
  readonly isOutside?: boolean;
  /** Whether it counts what no other process changes: once, all contenders beside each other. */
  readonly isCounted?: boolean;
  /** Whether one process serves many rounds; its first answer is that it is warm. */
  readonly isLasting?: boolean;
  /** Measures each time it is asked. */
  run(scene: Scene): AsyncGenerator<Measured, void>;
}

/** Operations per second. */
export const RATE: Metric = { name: "rate", unit: "/s", better: "more" };

/**
 * The rounds it takes to tell contenders apart that are a few percent from each
 * other: short ones, so that what the machine does meanwhile meets all alike.
 */
export const MANY_ROUNDS = { rounds: 30, runMs: 150 } as const;

/** The size of all pools, unless a workload says otherwise. */
export const MAX = 10;

/** The same scene for one of several things that a process does: the first warms it for the rest. */
export function briefly(scene: Scene): Scene {
  return { ...scene, warmMs: scene.warmMs / 5 };
}

/** For what is measured once in the life of a process. */
export function once(
  measure: (scene: Scene) => Promise<Measured>,
): Workload["run"] {
  return async function* (scene) {
    yield await measure(scene);
  };
}
