/** Faults of how the core dials. */
import { type Mutant, mutant } from "./mutant.ts";

const BACKOFF = "core/backoff.ts";
const SUPPLY = "core/supply.ts";

export const DIAL_MUTANTS: readonly Mutant[] = [
  mutant(
    "a dial from before a relapse ends the wait for the next",
    BACKOFF,
    "if (this.isRelapsed) return;",
    "",
  ),
  mutant(
    "a failed dial keeps its slot",
    SUPPLY,
    "this.#slots.forget(slot);",
    "",
  ),
  mutant(
    "a connection that opens after the close is kept",
    SUPPLY,
    'else this.#state.emit({ kind: "destroy", slot });',
    "",
  ),
  mutant(
    "one more connection than max",
    SUPPLY,
    "return this.#state.max - this.#slots.table.total;",
    "return this.#state.max + 1 - this.#slots.table.total;",
  ),
  mutant(
    "connections that close are not counted",
    SUPPLY,
    "return this.#state.max - this.#slots.table.total;",
    "return this.#state.max - this.#slots.table.live;",
  ),
  mutant(
    "min is never filled up",
    SUPPLY,
    "return Math.max(waiting, this.#shortage);",
    "return waiting;",
  ),
  mutant(
    "the backoff never resets",
    BACKOFF,
    "this.#failures = 0;\n",
    "",
  ),
  mutant(
    "there is no backoff",
    BACKOFF,
    "if (now < this.#retryAt) return 0;",
    "",
  ),
  mutant(
    "everybody probes during an outage",
    BACKOFF,
    "(this.#failures > 0 ? 1 : this.#limit)",
    "this.#limit",
  ),
];
