/**
 * How the options that are passed on to the driver, and its names, are read.
 *
 * @module
 */

import type { DriverOptions } from "./driver_options.ts";
import type { OptionRule } from "./option_check.ts";
import {
  alias,
  CALLBACK,
  FLAG,
  integerWithin,
  isBoolean,
  isFunction,
  isObject,
  isString,
  OBJECT,
  parseBoolean,
  rule,
  seconds,
} from "./option_kinds.ts";

/** How `pipeline` is read: there is a list of connections for each depth up to it. */
export const PIPELINE: OptionRule = integerWithin(1, 1_000);

const IDLE_SECONDS = seconds("idleTimeoutMs", Infinity);

/** How each option of the driver is read. */
export const DRIVER_RULES: Readonly<Record<keyof DriverOptions, OptionRule>> = {
  types: OBJECT,
  transform: OBJECT,
  connection: connectionRule(),
  prepare: FLAG,
  debug: debugRule(),
  fetch_types: FLAG,
  onnotice: CALLBACK,
  onparameter: CALLBACK,

  idle_timeout: IDLE_SECONDS,
  timeout: IDLE_SECONDS,
  max_lifetime: called(seconds("maxLifetimeMs", Infinity)),
  connect_timeout: seconds("connectTimeoutMs", Infinity),
  keep_alive: seconds("keepAliveMs", 0),
  max_pipeline: alias("pipeline", PIPELINE),
  backoff: backoffRule(),
  no_prepare: alias("prepare", FLAG, (value) => !value),
};

function debugRule(): OptionRule {
  return {
    ...rule(
      "a boolean or a function",
      (value): value is unknown => isBoolean(value) || isFunction(value),
    ),
    parse: parseBoolean,
  };
}

function backoffRule(): OptionRule {
  return {
    ...rule(
      "a boolean, a number, a function or null",
      (value): value is unknown =>
        value === null || isFunction(value) ||
        ["boolean", "number", "string"].includes(typeof value),
    ),
    parse: parseBoolean,
  };
}

function connectionRule(): OptionRule {
  return rule(
    "an object of strings, numbers and booleans without NUL",
    isObject,
    (value) => Object.entries(value).flat().every(isParameter),
  );
}

// The driver takes a function where it takes a lifetime, and spreads with it.
function called(original: OptionRule): OptionRule {
  return {
    ...original,
    expected: `${original.expected}, or a function that returns it`,
    read: (value) => original.read(isFunction(value) ? value() : value),
  };
}

function isParameter(value: unknown): boolean {
  return isString(value)
    ? !value.includes("\0")
    : ["number", "boolean", "undefined"].includes(typeof value);
}
