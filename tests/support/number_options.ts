/** Options of a program that are all numbers: `--name 5`. */
import { parseArgs } from "node:util";

/** One option. */
export interface NumberOption {
  readonly default: number;
  /** Less than this is refused. */
  readonly least: number;
  /** What it is, for `--help`. */
  readonly about: string;
}

/** What is wrong with the arguments, or how they are used. */
export class Usage extends Error {}

/**
 * Reads the options.
 *
 * @throws {Usage} If one is unknown or no such number, or `--help` is asked for.
 */
export function readNumbers<K extends string>(
  args: readonly string[],
  options: Readonly<Record<K, NumberOption>>,
): Record<K, number> {
  const names = Object.keys(options) as K[];
  const given = parse(args, names);
  if (given["help"] === true) throw new Usage(usageOf(options));
  const numbers = names.map((name) => {
    const { default: usual, least } = options[name];
    const text = given[name] ?? `${usual}`;
    const number = `${text}`.trim() === "" ? NaN : Number(text);
    if (number >= least) return [name, number];
    throw new Usage(
      `Option '--${name}' must be a number from ${least} on, got '${text}'`,
    );
  });
  return Object.fromEntries(numbers);
}

function parse(
  args: readonly string[],
  names: readonly string[],
): Record<string, string | boolean | undefined> {
  const texts = names.map((name) => [name, { type: "string" }] as const);
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(texts),
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new Usage(error instanceof Error ? error.message : `${error}`);
  }
}

function usageOf(options: Readonly<Record<string, NumberOption>>): string {
  return Object.entries(options).map(([name, { default: usual, about }]) =>
    `--${name} ${usual}: ${about}`
  ).join("\n");
}

/** Reads this program's options, or ends it with what is wrong with them. */
export function numbersOrExit<K extends string>(
  options: Readonly<Record<K, NumberOption>>,
): Record<K, number> {
  try {
    return readNumbers(Deno.args, options);
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    console.error(error.message);
    const isHelp = Deno.args.some((word) => word === "--help" || word === "-h");
    Deno.exit(isHelp ? 0 : 2);
  }
}
