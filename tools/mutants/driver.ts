/** Faults of the driver layer. */
import { type Mutant, mutant } from "./mutant.ts";

const QUERY = "driver/lazy_query.ts";
const OUTGOING = "driver/outgoing.ts";

export const DRIVER_MUTANTS: readonly Mutant[] = [
  mutant(
    "what has no refusal is refused",
    "driver/statement_line.ts",
    "if (statement.refusal === undefined) this.#lane.push(statement);",
    "if (statement.refusal === null) this.#lane.push(statement);",
  ),
  mutant(
    "a statement is ended twice",
    OUTGOING,
    "if (!this.#isBareExpected) return false;",
    "",
  ),
  mutant(
    "what could not be written never ends",
    OUTGOING,
    "if (!isBare) return true;",
    "return !isBare;",
  ),
  mutant(
    "one COPY undoes the next",
    OUTGOING,
    "else if (code === COPY_DONE) this.#endedCopies++;\n",
    "",
  ),
  mutant(
    "a COPY cannot be given up behind another",
    OUTGOING,
    "this.#endedCopies--;\n",
    "",
  ),
  mutant(
    "a statement is sent behind one that is to be cancelled",
    "driver/statement_line.ts",
    "this.#isHeld || this.mayCancel) return false;",
    "this.#isHeld) return false;",
  ),
  mutant(
    "a query is run amid the code that awaits it",
    QUERY,
    "NOW.then(() => this.#run());",
    "this.#run();",
  ),
  mutant(
    "a query is run each time it is awaited",
    QUERY,
    "this.executed = true;",
    "",
  ),
  mutant(
    "what then() answers is another lazy query",
    QUERY,
    "return Promise;",
    "return LazyQuery as unknown as PromiseConstructor;",
  ),
  mutant(
    "a settled query stays active",
    QUERY,
    "this.active = false;\n    this.#isSettled = true;\n    this.#resolve(result);",
    "this.#isSettled = true;\n    this.#resolve(result);",
  ),
  mutant(
    "a failed query stays active",
    QUERY,
    "this.active = false;\n    this.#isSettled = true;\n    this.#reject(error);",
    "this.#isSettled = true;\n    this.#reject(error);",
  ),
  mutant(
    "a template tells who called it first, for ever",
    "driver/template.ts",
    '.split("\\n", 1)[0] ?? ""',
    "",
  ),
  mutant(
    "plain text without parameters is prepared",
    "driver/postgres_js.ts",
    "{ prepare: false, ...given, simple }",
    "{ ...given, simple }",
  ),
  mutant(
    "what is given with plain text is overruled",
    "driver/postgres_js.ts",
    "{ prepare: false, ...given, simple }",
    "{ ...given, prepare: false, simple }",
  ),

  mutant(
    "strings that a program changes are told once",
    "driver/template.ts",
    "if (!Object.isFrozen(strings)) return undefined;",
    "",
  ),
];
