/** Kills connections, one after the other, each in a way chosen by chance. */
import type { Random } from "../simulation/random.ts";
import type { Proxy } from "../support/proxy.ts";
import type { ProxyLink } from "../support/proxy_link.ts";
import type { Journal } from "./journal.ts";

/** The ways to kill. */
export const KILLS = [
  "reset",
  "close",
  "terminate",
  "answers lost",
  "black hole",
  "reset of all",
  "network outage",
] as const;

/** One of the ways to kill. */
export type Kill = typeof KILLS[number];

/** What is killed. */
export interface KillerOptions {
  readonly proxy: Proxy;
  readonly journal: Journal;
  readonly applicationName: string;
  readonly random: Random;
}

// The last two hit everybody: they are rare, or nothing else would happen.
const WEIGHTS: readonly number[] = [6, 6, 6, 6, 3, 0.5, 0.5];
const PAUSE_MS = 30;
const OUTAGE_MS = 150;
const UNHEARD_MS = 10;

/** How long a black hole keeps the server from learning of an end: its own keep-alive, so to speak. */
const HOLE_MS = 1_500;

/** Kills until it is told to stop. */
export class Killer {
  /** How many connections were hit, by how. */
  readonly hits: Record<Kill, number>;
  readonly #options: KillerOptions;
  readonly #doomed = new Set<ProxyLink>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(options: KillerOptions) {
    this.#options = options;
    this.hits = Object.fromEntries(
      KILLS.map((kill) => [kill, 0]),
    ) as Record<Kill, number>;
  }

  /** Kills, with pauses, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    while (!signal.aborted) {
      await pause(random.next() * 2 * PAUSE_MS);
      const kill = this.#choose();
      this.hits[kill] += await this.#kill(kill);
    }
  }

  /** Lets both sides know of the ends that were kept from them. */
  finish(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#doomed) link.cut(true);
    this.#doomed.clear();
  }

  async #kill(kill: Kill): Promise<number> {
    const { proxy, random } = this.#options;
    switch (kill) {
      case "reset":
      case "close":
        return this.#hitOne((link) => link.cut(kill === "reset"));
      case "black hole":
        return this.#hitOne((link) => this.#swallow(link));
      case "answers lost":
        return this.#hitOne((link) => this.#lose(link));
      case "terminate":
        return await this.#terminate();
      case "reset of all": {
        const { connections } = proxy;
        proxy.cut("reset");
        return connections;
      }
      case "network outage": {
        const { connections } = proxy;
        proxy.blackHole();
        await pause(OUTAGE_MS);
        proxy.release();
        proxy.cut(random.chance(0.5) ? "reset" : "close");
        return connections;
      }
    }
  }

  #hitOne(hit: (link: ProxyLink) => void): number {
    const { proxy, random } = this.#options;
    const link = proxy.linkAt(random.next());
    if (link === undefined) return 0;
    hit(link);
    return 1;
  }

  /** The server hears and does what it is told; nobody hears of it. */
  #lose(link: ProxyLink): void {
    link.hold("replies");
    this.#cutLater(link, UNHEARD_MS);
  }

  #swallow(link: ProxyLink): void {
    link.blackHole();
    this.#cutLater(link, HOLE_MS);
  }

  #cutLater(link: ProxyLink, ms: number): void {
    this.#doomed.add(link);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#doomed.delete(link);
      link.cut(true);
    }, ms);
    this.#timers.add(timer);
  }

  async #terminate(): Promise<number> {
    const { journal, applicationName, random } = this.#options;
    const pid = random.maybe(await journal.pids(applicationName));
    return pid !== undefined && await journal.terminate(pid) ? 1 : 0;
  }

  #choose(): Kill {
    const total = WEIGHTS.reduce((sum, weight) => sum + weight, 0);
    let left = this.#options.random.next() * total;
    return KILLS[WEIGHTS.findIndex((weight) => (left -= weight) < 0)]!;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
