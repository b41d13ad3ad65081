/** How faults of a real server are told apart: those that wait, and those that not every machine allows. */
import { poolTest } from "../../support/pool_world.ts";

/** Whether all faults are asked for: `deno task faults`. */
const isComplete = Deno.env.get("TIDEPOOL_ALL_FAULTS") === "1";

type Body = (test: Deno.TestContext) => Promise<void>;

/** A fault that takes its time, as well: `deno task test` leaves it out. */
export function slowFaultWhere(
  missing: string | undefined,
  name: string,
  body: Body,
): void {
  const isLeftOut = missing === undefined && !isComplete;
  faultWhere(isLeftOut ? "in deno task faults" : missing, name, body);
}

/** A fault that a machine must allow; `missing` says what it lacks, if anything. */
export function faultWhere(
  missing: string | undefined,
  name: string,
  body: Body,
): void {
  if (missing === undefined) poolTest(name, body);
  else Deno.test.ignore(`${name} (${missing})`, () => {});
}

/** Stops a process until it is left. */
export function freeze(pid: number): Disposable & { thaw(): void } {
  let isFrozen = true;
  const thaw = () => {
    if (isFrozen) Deno.kill(pid, "SIGCONT");
    isFrozen = false;
  };
  Deno.kill(pid, "SIGSTOP");
  return { thaw, [Symbol.dispose]: thaw };
}
