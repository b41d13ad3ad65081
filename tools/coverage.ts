/**
 * `deno task coverage`: which lines and branches of the source the tests run.
 *
 * Runs all tests, prints both for the core and for everything, names what falls
 * short, and fails when less is covered than is asked for. With `--keep` it
 * counts the last run again.
 */
const ROOT = new URL("..", import.meta.url).pathname;
const FOLDER = `${ROOT}coverage`;

/** What is asked for, in per cent. */
const GOALS = [
  { folder: "src/core/", lines: 100, branches: 100 },
  { folder: "src/", lines: 95, branches: 95 },
];

interface Share {
  found: number;
  hit: number;
}

/** What was run of one file. */
interface FileCoverage {
  readonly path: string;
  readonly lines: Share;
  readonly branches: Share;
  /** The lines that were not run. */
  readonly missed: number[];
}

/** Runs the tests; those that fail do not keep from counting what was run. */
async function runTests(args: readonly string[]): Promise<boolean> {
  await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
  const collect = [`--coverage=${FOLDER}`, "--coverage-raw-data-only"];
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["task", "test", ...collect, ...args],
    cwd: ROOT,
  }).spawn();
  return (await tests.status).success;
}

async function makeReport(): Promise<string> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", "--lcov", FOLDER],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  if (code !== 0) {
    throw new Error(`Cannot count: deno coverage ended with ${code}`);
  }
  return new TextDecoder().decode(stdout);
}

/** Reads a report in the format of lcov. */
function readReport(report: string): FileCoverage[] {
  return report.split("end_of_record").flatMap((record) => {
    const path = /^SF:(.*)$/m.exec(record)?.[1]?.replace(ROOT, "");
    if (path === undefined || !path.startsWith("src/")) return [];
    const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)];
    const branches = [...record.matchAll(/^BRDA:.*,(.+)$/gm)];
    const missed = lines.filter(([, , count]) => count === "0");
    return {
      path,
      lines: { found: lines.length, hit: lines.length - missed.length },
      branches: {
        found: branches.length,
        hit: branches.filter(([, count]) => Number(count) > 0).length,
      },
      missed: missed.map(([, line]) => Number(line)),
    };
  });
}

function add(shares: readonly Share[]): Share {
  return shares.reduce((sum, { found, hit }) => ({
    found: sum.found + found,
    hit: sum.hit + hit,
  }), { found: 0, hit: 0 });
}

function percent({ found, hit }: Share): number {
  return found === 0 ? 100 : 100 * hit / found;
}

/** Prints what falls short of everything; answers whether the goals are met. */
function judge(files: readonly FileCoverage[]): boolean {
  for (const { path, lines, branches, missed } of files) {
    if (percent(lines) === 100 && percent(branches) === 100) continue;
    console.log(
      `${path}: lines ${lines.hit}/${lines.found}, ` +
        `branches ${branches.hit}/${branches.found}` +
        (missed.length > 0 ? `; not run: ${missed.join(" ")}` : ""),
    );
  }
  let isMet = true;
  for (const goal of GOALS) {
    const inside = files.filter(({ path }) => path.startsWith(goal.folder));
    const lines = percent(add(inside.map(({ lines }) => lines)));
    const branches = percent(add(inside.map(({ branches }) => branches)));
    const isSo = lines >= goal.lines && branches >= goal.branches;
    console.log(
      `${goal.folder.padEnd(10)} lines ${lines.toFixed(1)} %, ` +
        `branches ${branches.toFixed(1)} %` +
        (isSo ? "" : ` (asked: ${goal.lines} %, ${goal.branches} %)`),
    );
    isMet &&= isSo;
  }
  return isMet;
}

const isKept = Deno.args[0] === "--keep";
const hasPassed = isKept || await runTests(Deno.args);
const isMet = judge(readReport(await makeReport()));
if (!hasPassed) {
  console.log("Some tests failed: the figures are not to be trusted");
}
if (!hasPassed || !isMet) Deno.exit(1);
