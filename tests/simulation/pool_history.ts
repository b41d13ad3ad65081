/**
 * One random life of a pool.
 *
 * @module
 */

import { PoolLife } from "./pool_life.ts";

// No history takes more steps than this to come to rest.
const LONGEST_REST = 500;

/** A life with faults, then one without until all is at rest, then the end. */
export class PoolHistory extends PoolLife {
  /** Runs it: a life with faults, then one without until all is at rest, then the end. */
  run(): void {
    const random = this.random;
    // Swarm: a history that lacks some events reaches states that one with all
    // of them never does.
    const events = this.events().filter(([rarity]) =>
      rarity === 0 || random.chance(0.55)
    );
    const bag = events.flatMap(([rarity, happen]) =>
      Array<() => void>(rarity === 2 ? 1 : 4).fill(happen)
    );
    this.step({ kind: "tick" });
    for (let left = 10 + random.below(110); left > 0; left--) {
      this.pass();
      random.maybe(bag)!();
    }
    this.rest();
    if (this.oracle.closing === undefined) this.proveCapacity();
    this.end();
  }

  /** Time passes: mostly not at all, often to the very moment of a deadline. */
  pass(): void {
    const random = this.random;
    const { nextDeadline } = this.machine;
    const dice = random.below(20);
    if (dice < 4) this.now += 1 + random.below(8);
    else if (dice < 7 && nextDeadline < Infinity) this.now = nextDeadline;
    else if (dice === 7) this.now += random.below(150);
  }

  /** What can happen; the number says how rare: 0 always, 1 in some histories, 2 and seldom. */
  events(): [0 | 1 | 2, () => void][] {
    const { oracle } = this;
    return [
      [0, () => this.acquire()],
      [0, () => this.acquire()],
      [0, () => this.dialled()],
      [0, () => this.release()],
      [0, () => this.finish()],
      [0, () => this.prepare(true)],
      [0, () => this.answer()],
      [0, () => this.reset(true)],
      [0, () => this.closed()],
      [0, () => this.step({ kind: "tick" })],
      [1, () => this.dialFails(false)],
      [1, () => this.dialFails(true)],
      [1, () => this.prepare(false)],
      [1, () => this.reset(false)],
      [1, () => this.abort()],
      [1, () => this.lose()],
      [1, () => this.loseUnsent()],
      [1, () => this.isolate()],
      [1, () => this.replay()],
      [2, () => this.detach()],
      [2, () => this.step({ kind: "leap" })],
      [2, () => this.step({ kind: "refresh" })],
      [2, () => this.resize()],
      [2, () => this.step({ kind: "pause" })],
      [1, () => oracle.isPaused && this.step({ kind: "resume" })],
      [2, () => this.random.chance(0.3) && this.close()],
    ];
  }

  /** The faults stop: everything is answered well until nobody waits and nothing is under way. */
  rest(): void {
    if (this.oracle.isPaused) this.step({ kind: "resume" });
    for (let left = LONGEST_REST; left > 0; left--) {
      if (this.answerOne()) continue;
      if (this.oracle.waiting.length === 0) return;
      if (this.machine.nextDeadline === Infinity) break;
      this.now = this.machine.nextDeadline;
      this.step({ kind: "tick" });
    }
    throw new Error(`${this.oracle.waiting.length} wait for ever`);
  }

  /** Answers one thing that is under way, well; whether there was one. */
  answerOne(): boolean {
    const { oracle } = this;
    if (this.dialling().length > 0) this.dialled();
    else if (oracle.in("preparing").length > 0) this.prepare(true);
    else if (oracle.in("releasing").length > 0) this.reset(true);
    else if (oracle.in("leased").length > 0) this.release();
    else if (oracle.in("shared").length > 0) this.finish();
    else if (this.closing().length > 0) this.closed();
    else return false;
    return true;
  }

  /** As many as there may be get a connection of their own, at the same time. */
  proveCapacity(): void {
    // Until then a permanent failure is told at once.
    this.now = Math.max(this.now, this.machine.backoff.retryAt);
    const guests = Array.from(
      { length: this.oracle.max },
      () => this.ask("lease", Infinity),
    );
    for (let left = LONGEST_REST; left > 0; left--) {
      if (guests.every(({ status }) => status !== "waiting")) break;
      if (this.dialling().length > 0) this.dialled();
      else if (this.oracle.in("preparing").length > 0) this.prepare(true);
      else if (this.closing().length > 0) this.closed();
      else {
        this.now = this.machine.nextDeadline;
        this.step({ kind: "tick" });
      }
    }
    const granted = guests.filter(({ status }) => status === "granted").length;
    if (granted < guests.length) {
      throw new Error(`${granted} of ${guests.length} were granted`);
    }
    this.rest();
    const { open, live } = this.machine.slots.table;
    if (open < this.oracle.min) throw new Error(`${open} open, ${live} live`);
  }

  /** Closes the pool, with whatever is still open, and sees it go. */
  end(): void {
    if (this.oracle.closing === undefined) {
      if (this.random.chance(0.5)) this.ask("lease", Infinity);
      if (this.random.chance(0.5)) this.ask("share", Infinity);
      this.close();
    }
    const answers = this.random.chance(0.7);
    for (let left = LONGEST_REST; left > 0; left--) {
      if (answers && this.answerOne()) continue;
      if (this.machine.nextDeadline === Infinity) break;
      this.now = this.machine.nextDeadline;
      this.step({ kind: "tick" });
    }
    const { phase } = this.machine.state;
    if (phase !== "closed" || this.oracle.drained !== 1) {
      throw new Error(`Drained ${this.oracle.drained} times, ${phase}`);
    }
    // A dial that was given up may still open: it must be cut.
    while (this.dialling().length > 0) this.dialled();
    this.ask("lease", Infinity);
    for (const { answers, asked, status } of this.guests) {
      if (status === "waiting" || answers !== asked) {
        throw new Error(`${answers} answers to ${asked} requests, ${status}`);
      }
    }
  }
}

/** Runs the history of a seed; one that fails is told. */
export function runHistory(seed: number, seen: Map<string, number>): void {
  try {
    new PoolHistory(seed, seen).run();
  } catch (cause) {
    throw explain(seed, cause);
  }
}

/** Runs one history again, to tell how it came to fail. */
function explain(seed: number, cause: unknown): Error {
  const again = new PoolHistory(seed, new Map(), true);
  try {
    again.run();
  } catch {
    // It is the cause that is thrown.
  }
  const story = again.transcript.slice(-25).join("\n");
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `${message}\nReplay: SEED=${seed} RUNS=1 deno task simulate\n` +
      `${again.transcript[0]}\n…\n${story}`,
    { cause },
  );
}
