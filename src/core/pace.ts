/**
 * How long connections that are shared take to answer.
 *
 * @module
 */

// A statement is unusually long once it has run this much longer than is
// typical here, and no sooner than the floor: a busy event loop looks slow too.
const STALL_FACTOR = 4;
const STALL_FLOOR_MS = 1;

// The typical time moves by this share towards each sample, whatever its size:
// it settles on the median, which a few slow statements do not move.
const MEDIAN_STEP = 1.05;
const SHORTEST_MS = 0.05;

// What was seen so many answers ago counts for a third of what is seen now.
const MEMORY = 128;

// A stall counts for no more than so many patiences: one report that takes a
// minute tells nothing of the statements to come.
const LONGEST_STALL = 5;

// With this share of the time lost in stalls, whoever shares is more likely to
// be held up than to gain.
const SHALLOW_SHARE = 0.5;

/**
 * Learns from how long each connection was silent before it answered: what is
 * typical, and how much of all the time goes into answers that are not.
 */
export class Pace {
  // The median of the time to an answer.
  #typicalMs = 1;
  #allMs = MEMORY;
  #stalledMs = 0;

  /** Silence beyond this is a stall, in milliseconds. */
  get patienceMs(): number {
    return STALL_FLOOR_MS + STALL_FACTOR * this.#typicalMs;
  }

  /** How much of a pipeline is worth filling, from 0 to 1. */
  get depth(): number {
    return Math.max(0, 1 - this.#stalledMs / this.#allMs / SHALLOW_SHARE);
  }

  /** A connection answered after so many milliseconds. */
  observe(ms: number): void {
    const { patienceMs } = this;
    const counted = Math.min(ms, LONGEST_STALL * patienceMs);
    const kept = 1 - 1 / MEMORY;
    this.#allMs = this.#allMs * kept + counted;
    this.#stalledMs = this.#stalledMs * kept + (ms > patienceMs ? counted : 0);
    if (ms > this.#typicalMs) this.#typicalMs *= MEDIAN_STEP;
    else if (this.#typicalMs > SHORTEST_MS) this.#typicalMs /= MEDIAN_STEP;
  }
}
