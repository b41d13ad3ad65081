/** All faults that are planted; most were shipped by some pool. */
import { CORE_MUTANTS } from "./core.ts";
import { DIAL_MUTANTS } from "./dials.ts";
import { DRIVER_MUTANTS } from "./driver.ts";
import type { Mutant } from "./mutant.ts";
import { SHELL_MUTANTS } from "./shell.ts";
import { TRANSPORT_MUTANTS } from "./transport.ts";
import { USER_MUTANTS } from "./users.ts";

export const MUTANTS: readonly Mutant[] = [
  ...CORE_MUTANTS,
  ...DIAL_MUTANTS,
  ...SHELL_MUTANTS,
  ...DRIVER_MUTANTS,
  ...TRANSPORT_MUTANTS,
  ...USER_MUTANTS,
];
