/**
 * Gathering options from the arguments, the URL and the environment.
 *
 * @module
 */

import { OPTION_VARIABLES, type Password } from "./connection_options.ts";
import { type ConnectionUrl, parseConnectionUrl } from "./connection_url.ts";
import type { StartupParameters } from "./driver_options.ts";
import { type Environment, firstVariable } from "./environment.ts";
import type { Host } from "./host_list.ts";
import {
  type OptionRule,
  type OptionSource,
  passedTo,
  readOption,
  readOptions,
  refusal,
  typeName,
} from "./option_check.ts";
import { alias } from "./option_kinds.ts";
import { OPTION_HINTS, OPTION_RULES } from "./option_rules.ts";
import type { PoolOptions } from "../pool_options.ts";
import type { SslMode } from "./tls_options.ts";
import type { TargetSessionAttrs } from "../transport/hosts.ts";

/** The options that are read into something else than what is written. */
interface ReadOptions {
  readonly host?: readonly Host[];
  readonly port?: readonly number[];
  readonly password?: Password;
  readonly ssl?: SslMode | boolean | object;
  readonly sslnegotiation?: "postgres" | "direct";
  readonly target_session_attrs?: TargetSessionAttrs | undefined;
  readonly connection?: StartupParameters;
  readonly keepAliveMs?: number;
  /** The mode in the URL, which an object in `ssl` may refine. */
  readonly urlSsl?: unknown;
}

/** The options that were given, once read: one name each, `null` resolved. */
export type GivenOptions =
  & {
    readonly [
      Name in Exclude<keyof PoolOptions, keyof ReadOptions>
    ]?: Exclude<PoolOptions[Name], undefined>;
  }
  & ReadOptions;

const ACTION = "create the pool";

const OPTION: OptionSource = { ...passedTo(ACTION), hints: OPTION_HINTS };

const PARAMETER: OptionSource = {
  action: ACTION,
  noun: "URL parameter",
  shown: false,
};

const VARIABLE: OptionSource = {
  action: ACTION,
  noun: "environment variable",
  shown: false,
};

/** How a URL's parameters are read: libpq has names of its own for two. */
const PARAMETER_RULES: Readonly<Record<string, OptionRule>> = {
  ...OPTION_RULES,
  dbname: alias("database", OPTION_RULES.database),
  sslmode: alias("ssl", OPTION_RULES.ssl),
};

// Settings of a session that libpq takes from the environment.
const PARAMETER_VARIABLES = [
  ["application_name", "PGAPPNAME"],
  ["options", "PGOPTIONS"],
] as const;

/** All that was said: options win over the URL, the URL over the environment. */
export function gatherOptions(
  urlOrOptions: unknown,
  options: unknown,
  environment: Environment,
): GivenOptions {
  const [url, passed] = separate(urlOrOptions, options);
  const fromUrl = url === undefined ? undefined : parseUrl(url);
  const fromQuery = readTexts(fromUrl?.options ?? {});
  const given: GivenOptions = {
    ...fromUrl?.authority,
    ...fromQuery,
    ...readOptions(OPTION_RULES, passed, OPTION),
  };
  const connection = { ...fromUrl?.connection, ...given.connection };
  return {
    ...readVariables(given, environment),
    ...given,
    connection: { ...readParameters(connection, environment), ...connection },
    urlSsl: fromQuery.ssl,
  };
}

function separate(
  urlOrOptions: unknown,
  options: unknown,
): [url: string | undefined, options: unknown] {
  if (typeof urlOrOptions === "string") return [urlOrOptions, options];
  if (urlOrOptions instanceof URL) return [urlOrOptions.href, options];
  if (urlOrOptions === undefined) return [undefined, options];
  if (options === undefined) return [undefined, urlOrOptions];
  const what = typeName(urlOrOptions);
  throw refusal(
    ACTION,
    `with two arguments the first must be a URL, got ${what}`,
  );
}

function parseUrl(url: string): ConnectionUrl {
  return parseConnectionUrl(
    url,
    (name) => Object.hasOwn(PARAMETER_RULES, name),
  );
}

function readTexts(texts: Readonly<Record<string, string>>): GivenOptions {
  const parsed = Object.entries(texts)
    .map(([name, text]) => [name, parseText(PARAMETER_RULES[name], text)]);
  return readOptions(PARAMETER_RULES, Object.fromEntries(parsed), PARAMETER);
}

function readVariables(
  given: GivenOptions,
  environment: Environment,
): GivenOptions {
  const read: Record<string, unknown> = {};
  for (const [option, ...variables] of OPTION_VARIABLES) {
    const rule = OPTION_RULES[option];
    const { target = option } = rule;
    // A path stands for a host too.
    if (target in given || target === "host" && "path" in given) continue;
    const found = firstVariable(environment, variables);
    if (found === undefined) continue;
    const { name, text } = found;
    const value = parseText(rule, text);
    read[target] = readOption(rule, name, value, VARIABLE);
  }
  return read;
}

function readParameters(
  given: StartupParameters,
  environment: Environment,
): StartupParameters {
  const read: Record<string, string | undefined> = {};
  for (const [name, variable] of PARAMETER_VARIABLES) {
    if (given[name] === undefined) read[name] = environment(variable);
  }
  return read;
}

function parseText(rule: OptionRule | undefined, text: string): unknown {
  return rule?.parse?.(text) ?? text;
}
