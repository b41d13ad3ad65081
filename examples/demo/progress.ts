/** What is printed while the demo runs. */
import { styleText } from "node:util";
import type { PoolStats } from "@tidepool/postgres";
import type { Tally } from "./tally.ts";
import { show } from "./verdict.ts";

const LIVE_EVERY_MS = 100;
const PLAIN_EVERY_MS = 1_000;
const ERASE_LINE = "\r\x1b[2K";
// A line that is wider than the terminal could not be written over.
const STOP_WRAPPING = "\x1b[?7l";
const WRAP_AGAIN = "\x1b[?7h";

/** A line that is written over on a terminal; elsewhere one line after another. */
export class Progress implements Disposable {
  readonly #isLive = Deno.stdout.isTerminal();
  #timer: ReturnType<typeof setInterval> | undefined;
  #line = "";

  /** Shows what is under way; only a terminal can take it back. */
  begin(text: string): void {
    if (this.#isLive) this.#show(`  ${styleText("dim", `${text} …`)}`);
  }

  /** Prints a line that stays. */
  note(text: string): void {
    write(`${this.#isLive ? ERASE_LINE : ""}${text}\n${this.#line}`);
  }

  /** Prints a step that is done. */
  done(text: string): void {
    this.#line = "";
    this.note(`  ${styleText("green", "✓")} ${text}`);
  }

  /** Shows `line()` again and again, until `stop()`. */
  watch(line: () => string): void {
    this.#timer = setInterval(
      () => this.#isLive ? this.#show(line()) : write(`${line()}\n`),
      this.#isLive ? LIVE_EVERY_MS : PLAIN_EVERY_MS,
    );
  }

  /** Takes the live line away. */
  stop(): void {
    clearInterval(this.#timer);
    if (this.#line !== "") write(ERASE_LINE);
    this.#line = "";
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #show(line: string): void {
    this.#line = STOP_WRAPPING + line + WRAP_AGAIN;
    write(ERASE_LINE + this.#line);
  }
}

/** One line about clients and pool, below 80 characters. */
export function pulse(tally: Tally, stats: PoolStats): string {
  const { requests, rate, elapsedMs, errors } = tally;
  const lost = (errors["503 CONNECTION_LOST"] ?? 0).toString();
  return [
    `  ${(elapsedMs / 1_000).toFixed(1).padStart(4)} s`,
    drawPool(stats),
    `${show(requests).padStart(7)} requests`,
    `${show(Math.round(rate)).padStart(5)}/s`,
    `${String(stats.waiting).padStart(3)} waiting`,
    `${errors["aborted"] ?? 0} aborted`,
    `${lost} × 503`,
  ].join("  ");
}

/** The pool's connections, one sign each. */
function drawPool(stats: PoolStats): string {
  const { leased, shared, idle, connecting, closing, max, total } = stats;
  return styleText("cyan", "●".repeat(leased) + "◐".repeat(shared)) +
    "○".repeat(idle) +
    styleText("yellow", "◌".repeat(connecting + closing)) +
    styleText("red", "×".repeat(Math.max(0, max - total)));
}

/** What the signs mean. */
export const LEGEND = "● leased  ◐ shared by one-shots  ○ idle  ◌ opening";

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
