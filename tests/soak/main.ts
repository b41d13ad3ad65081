/**
 * `deno task soak --leases 10000000 --minutes 10`: leases so often and for so
 * long, at the least, and says what is left of it. Its exit code is 0 only if
 * nothing is, and the heap did not grow.
 */
import { numbersOrExit } from "../support/number_options.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { GROWTH_LIMIT, runSoak, type SoakReport } from "./soak.ts";

const options = numbersOrExit({
  leases: { default: 1_000_000, least: 0, about: "how many at least" },
  minutes: { default: 0, least: 0, about: "for how long at least" },
});

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function print({ leases, seconds, left, ...heap }: SoakReport): void {
  console.log(`${leases} leases in ${Math.round(seconds)} s`);
  const { heapBefore, heapAfter } = heap;
  console.log(
    `${megabytes(heapBefore)} of heap before, ${megabytes(heapAfter)} after`,
  );
  for (const [what, count] of Object.entries(left)) {
    console.log(`${count} ${what}`);
  }
}

await using server = await sharedPostgres();
const report = await runSoak(server, options);
print(report);
const growth = report.heapAfter - report.heapBefore;
const isClean = growth <= GROWTH_LIMIT &&
  Object.values(report.left).every((count) => count === 0);
if (!isClean) Deno.exitCode = 1;
