/** Faults of the transports. */
import { type Mutant, mutant } from "./mutant.ts";

export const TRANSPORT_MUTANTS: readonly Mutant[] = [
  mutant(
    "what was read is written over by what comes next",
    "transport/inbox.ts",
    "this.#used += length;",
    "",
  ),
  mutant(
    "what came before anybody listened is lost",
    "transport/inbox.ts",
    "if (this.#early !== undefined) listener.onData(this.#early);",
    "",
  ),
  mutant(
    "what comes before anybody listens is read without end",
    "transport/inbox.ts",
    "return this.#listener !== undefined;",
    "return true;",
  ),
  mutant(
    "what came early comes again",
    "transport/inbox.ts",
    "    this.#early = undefined;\n",
    "",
  ),
  mutant(
    "a long reply is read in small pieces",
    "transport/inbox.ts",
    "this.#isFull ? LARGE_BYTES : SMALL_BYTES",
    "SMALL_BYTES",
  ),
  mutant(
    "a short reply keeps the memory of a long one",
    "transport/inbox.ts",
    "return Buffer.from(bytes);",
    "return bytes;",
  ),
];
