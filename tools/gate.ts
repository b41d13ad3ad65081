/**
 * `deno task ok`: everything that must hold before a change is kept.
 *
 * With names of stages it runs these alone; `--demo` adds the demo. It goes on
 * after a failure, so that one run shows them all, and ends in a line of
 * counts: each test counts, and each other stage as one.
 */

interface Stage {
  readonly name: string;
  /** Each is the arguments of one `deno`. */
  readonly commands: readonly (readonly string[])[];
  /** Whether it reports numbers of tests. */
  readonly isTest?: boolean;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const DEMO: Stage = {
  name: "demo",
  commands: [["task", "demo", "--seconds", "3"]],
};

if (import.meta.main) Deno.exit(await runGate(Deno.args) ? 0 : 1);

async function runGate(args: readonly string[]): Promise<boolean> {
  const names = args.filter((arg) => !arg.startsWith("--"));
  const known = [...await stages(), ...args.includes("--demo") ? [DEMO] : []];
  const unknown = names.filter((name) =>
    !known.some((one) => one.name === name)
  );
  if (unknown.length > 0) {
    const stageNames = known.map(({ name }) => name).join(", ");
    console.error(`Cannot run ${unknown.join(", ")}: there are ${stageNames}`);
    return false;
  }
  const chosen = names.length === 0
    ? known
    : known.filter(({ name }) => names.includes(name));
  const total = { passed: 0, failed: 0 };
  for (const stage of chosen) {
    const { passed, failed } = await runStage(stage);
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0;
}

async function stages(): Promise<Stage[]> {
  const entries = await entryPoints();
  return [
    { name: "fmt", commands: [["fmt", "--check"]] },
    { name: "lint", commands: [["lint"]] },
    { name: "docs", commands: [["doc", "--lint", ...entries]] },
    {
      name: "check",
      commands: [
        ["check", "--quiet", "--doc", "."],
        ["check", "--quiet", "--doc-only", ...await documents()],
      ],
    },
    { name: "package", commands: [["publish", "--dry-run", "--allow-dirty"]] },
    { name: "test", commands: [["task", "test"]], isTest: true },
  ];
}

/** Answers the files that the package exports. */
async function entryPoints(): Promise<string[]> {
  const { exports } = JSON.parse(await Deno.readTextFile("deno.json"));
  return Object.values(exports);
}

/** Answers the pages at the top: a folder's own check leaves them out. */
async function documents(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir("."));
  return entries.map(({ name }) => name).filter((name) => name.endsWith(".md"));
}

async function runStage(stage: Stage): Promise<Counts> {
  const start = performance.now();
  for (const args of stage.commands) {
    console.log(`\n# ${stage.name}: deno ${args.join(" ")}`);
    const { isSuccess, output } = await runDeno(args);
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    const outcome = isSuccess ? "ok" : "FAILED";
    console.log(`# ${stage.name}: ${outcome} after ${seconds} s`);
    if (stage.isTest) return testCounts(output, isSuccess);
    if (!isSuccess) return { passed: 0, failed: 1 };
  }
  return { passed: 1, failed: 0 };
}

/** Runs Deno and shows what it writes while it writes it. */
async function runDeno(
  args: readonly string[],
): Promise<{ isSuccess: boolean; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const [forUs, forTheReader] = child.stdout.tee();
  const [output, { success }] = await Promise.all([
    new Response(forUs).text(),
    child.status,
    forTheReader.pipeTo(Deno.stdout.writable, { preventClose: true }),
  ]);
  return { isSuccess: success, output };
}

/** Reads the last line of `deno test`; a run that broke off has failed. */
function testCounts(output: string, isSuccess: boolean): Counts {
  // deno-lint-ignore no-control-regex
  const colours = /\x1b\[[0-9;]*m/g;
  const summaries = output.replace(colours, "")
    .matchAll(/^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm);
  const last = [...summaries].at(-1);
  const passed = Number(last?.[1] ?? 0);
  const failed = Number(last?.[2] ?? 0);
  return { passed, failed: isSuccess ? failed : Math.max(failed, 1) };
}
