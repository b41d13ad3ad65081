/**
 * `deno task mutants`: plants one fault after the other, each in a copy of the
 * source, and lets the tests that need no server find it. Fails when one is not
 * found, or can no longer be planted. Arguments pick mutants by a part of their
 * name.
 */
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const COPIED = ["mod.ts", "deno.json", "deno.lock", "src", "tests"];
const TESTS = [
  "tests/brackets_test.ts",
  "tests/call_site_test.ts",
  "tests/core/",
  "tests/detached_connection_test.ts",
  "tests/driver/lazy_query_test.ts",
  "tests/driver/outgoing_test.ts",
  "tests/driver/statement_line_test.ts",
  "tests/driver/template_test.ts",
  "tests/shell/",
  "tests/simulation/",
  "tests/transport/inbox_test.ts",
];
const LIMIT_MS = 60_000;
const AT_A_TIME = 2;

/** What became of one. */
interface Verdict {
  readonly mutant: Mutant;
  /** The test that found it, or how else it was found; `undefined`: it survives. */
  readonly killer: string | undefined;
}

/** Runs all of `mutants`, a few at a time; answers those that survive. */
async function hunt(mutants: readonly Mutant[]): Promise<Mutant[]> {
  const survivors: Mutant[] = [];
  const queue = [...mutants];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { mutant, killer } = await tryOne(next);
      const fate = killer === undefined ? "SURVIVED" : "killed  ";
      console.log(`${fate} ${mutant.name}${killer ? `: ${killer}` : ""}`);
      if (killer === undefined) survivors.push(mutant);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return survivors;
}

async function tryOne(mutant: Mutant): Promise<Verdict> {
  const folder = await Deno.makeTempDir({ prefix: "mutant-" });
  try {
    await copyInto(folder);
    await Deno.writeTextFile(`${folder}/${mutant.file}`, await faulty(mutant));
    return { mutant, killer: await runTests(folder) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function copyInto(folder: string): Promise<void> {
  const args = ["-r", ...COPIED.map((name) => ROOT + name), folder];
  const { success } = await new Deno.Command("cp", { args }).output();
  if (!success) throw new Error(`Cannot copy the source to ${folder}`);
}

/** The source with the fault in it; rejects when it cannot be planted. */
async function faulty({ name, file, find, replace }: Mutant): Promise<string> {
  const source = await Deno.readTextFile(ROOT + file);
  const times = source.split(find).length - 1;
  if (times !== 1) {
    throw new Error(
      `Cannot plant "${name}": its text is in ${file} ${times} times, not once`,
    );
  }
  // Not to be taken for a pattern: `$&` would be one.
  return source.replace(find, () => replace);
}

/** Answers which test failed, or that they hung. */
async function runTests(folder: string): Promise<string | undefined> {
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", "--fail-fast", ...TESTS],
    cwd: folder,
    env: { NO_COLOR: "1", SHRINK_MS: "0" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    tests.kill("SIGKILL");
  }, LIMIT_MS);
  const { success, stdout } = await tests.output();
  clearTimeout(timer);
  if (isLate) return `hung for ${LIMIT_MS / 1_000} s`;
  if (success) return undefined;
  return nameFailure(new TextDecoder().decode(stdout));
}

function nameFailure(output: string): string {
  const test = /^(.+) \.\.\. FAILED/m.exec(output)?.[1];
  const [, error] = /^error: (?:Error: )?(.+)/m.exec(output) ?? [];
  if (test === undefined) return `no test, ${error ?? "for an unknown reason"}`;
  return `${test}${error === undefined ? "" : ` (${error})`}`;
}

const words = Deno.args;
const mutants = MUTANTS.filter(({ name }) =>
  words.length === 0 || words.some((word) => name.includes(word))
);
if (mutants.length === 0) {
  console.error(`Cannot plant ${words.join(" or ")}: no mutant is called so`);
  Deno.exit(1);
}
// Before the first: a list that is out of date is of no use.
for (const mutant of mutants) await faulty(mutant);
const began = performance.now();
const survivors = await hunt(mutants);
const seconds = Math.round((performance.now() - began) / 1_000);
console.log(
  `${mutants.length - survivors.length} of ${mutants.length} mutants were ` +
    `killed in ${seconds} s`,
);
if (survivors.length > 0) Deno.exit(1);
