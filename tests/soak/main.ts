/**
 * `deno task soak --leases 10000000 --minutes 10`: leases so often and for so
 * long, at the least, and says what is left of it. Its exit code is 0 only if
 * nothing is, and the heap did not grow.
 */
import { parseArgs } from "node:util";
import { sharedPostgres } from "../support/postgres_server.ts";
import { GROWTH_LIMIT, runSoak, type SoakReport } from "./soak.ts";

const { values } = parseArgs({
  options: {
    leases: { type: "string", default: "1000000" },
    minutes: { type: "string", default: "0" },
  },
});

function numberOf(name: keyof typeof values): number {
  const number = Number(values[name]);
  if (number >= 0) return number;
  throw new RangeError(`--${name} must be a number, 0 or more: ${number}`);
}

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

const options = { leases: numberOf("leases"), minutes: numberOf("minutes") };
await using server = await sharedPostgres();
const report = await runSoak(server, options);
print(report);
const growth = report.heapAfter - report.heapBefore;
const isClean = growth <= GROWTH_LIMIT &&
  Object.values(report.left).every((count) => count === 0);
if (!isClean) Deno.exitCode = 1;
