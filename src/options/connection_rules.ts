/**
 * How the options about where to connect are read.
 *
 * @module
 */

import {
  type ConnectionOptions,
  type Password,
  TARGET_SESSION_ATTRS,
} from "./connection_options.ts";
import { isPort, parseHosts } from "./host_list.ts";
import type { OptionRule } from "./option_check.ts";
import {
  alias,
  isBoolean,
  isFunction,
  isObject,
  isString,
  listOf,
  nullable,
  oneOf,
  parseBoolean,
  rule,
  TEXT,
} from "./option_kinds.ts";
import { SSL_MODES } from "./tls_options.ts";

const HOST = unshown(hostRule());
const NAME = unshown(TEXT);
const PASSWORD = unshown(rule<Password>(
  "a string or a function",
  (value): value is Password => isString(value) || isFunction(value),
));

/** How each option about where to connect is read. */
export const CONNECTION_RULES: Readonly<
  Record<keyof ConnectionOptions, OptionRule>
> = {
  host: HOST,
  hostname: alias("host", HOST),
  port: portRule(),
  path: NAME,
  database: NAME,
  db: alias("database", NAME),
  username: NAME,
  user: alias("username", NAME),
  password: PASSWORD,
  pass: alias("password", PASSWORD),
  ssl: sslRule(),
  sslnegotiation: unshown(
    nullable(oneOf("postgres", "direct"), "postgres"),
  ),
  target_session_attrs: alias(
    "target_session_attrs",
    unshown(nullable(oneOf(...TARGET_SESSION_ATTRS), "any")),
    (value) => value === "any" ? undefined : value,
  ),
};

/** Who takes one option for another may have put a whole URL there, or a password. */
function unshown(original: OptionRule): OptionRule {
  return { ...original, secret: true };
}

function hostRule(): OptionRule {
  return alias(
    "host",
    rule(
      "one or more hosts, each with or without a port",
      isStrings,
      (value) => parseHosts([value].flat().join()) !== undefined,
    ),
    (value) => parseHosts([value].flat().join()),
  );
}

function portRule(): OptionRule {
  return alias(
    "port",
    {
      ...rule(
        "an integer from 1 to 65535, or one for each host",
        isNumbers,
        (value) => [value].flat().every(isPort),
      ),
      parse: parsePorts,
    },
    (value) => [value].flat(),
  );
}

function sslRule(): OptionRule {
  const modes: readonly string[] = SSL_MODES;
  const mode = rule(
    `${listOf(modes)}, a boolean, an object`,
    (value): value is string | boolean | object =>
      isString(value) || isBoolean(value) || isObject(value),
    (value) => !isString(value) || modes.includes(value),
  );
  return { ...unshown(nullable(mode, false)), parse: parseBoolean };
}

function isStrings(value: unknown): value is string | readonly string[] {
  return isString(value) || Array.isArray(value) && value.every(isString);
}

function isNumbers(value: unknown): value is number | readonly number[] {
  return [value].flat().every((each) => typeof each === "number");
}

function parsePorts(written: string): readonly number[] | string {
  return /^\d+(,\d+)*$/.test(written)
    ? written.split(",").map(Number)
    : written;
}
