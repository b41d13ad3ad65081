/** Faults of what users hold, and are told. */
import { type Mutant, mutant } from "./mutant.ts";

export const USER_MUTANTS: readonly Mutant[] = [
  mutant(
    "a savepoint that is gone is undone in the place of another",
    "brackets.ts",
    "if (this.has(one)) this.#open.splice(this.#open.indexOf(one));",
    "this.#open.splice(this.#open.indexOf(one));",
  ),
  mutant(
    "a savepoint that is gone is kept in the place of another",
    "brackets.ts",
    "if (this.has(one)) this.#open.splice(this.#open.indexOf(one), 1);",
    "this.#open.splice(this.#open.indexOf(one), 1);",
  ),
  mutant(
    "who waits in vain is told before it is known who awaits him",
    "call_site.ts",
    "  await undefined;\n  await undefined;\n",
    "  await undefined;\n",
  ),
  mutant(
    "who calls and is refused is not told where",
    "shell/request_desk.ts",
    "if (site !== undefined) placeErrorAt(error, site);",
    "",
  ),
];
