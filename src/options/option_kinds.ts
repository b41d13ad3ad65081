/**
 * The kinds of option there are: numbers, times, texts, flags, callbacks.
 *
 * @module
 */

import type { OptionRule, Reading } from "./option_check.ts";

const WRONG_TYPE: Reading = { fault: "type" };
const OUT_OF_RANGE: Reading = { fault: "range" };

/** A rule made of a test of the type and one of the range. */
export function rule<Value>(
  expected: string,
  hasType: (value: unknown) => value is Value,
  isInRange: (value: Value) => boolean = anything,
): OptionRule {
  return {
    expected,
    read(value) {
      if (!hasType(value)) return WRONG_TYPE;
      return isInRange(value) ? { value } : OUT_OF_RANGE;
    },
  };
}

/** The same thing under the name `target`, converted after it was checked. */
export function alias(
  target: string,
  original: OptionRule,
  convert: (value: unknown) => unknown = itself,
): OptionRule {
  return {
    ...original,
    target,
    read(value) {
      const reading = original.read(value);
      return "value" in reading ? { value: convert(reading.value) } : reading;
    },
  };
}

/** A rule that also takes `null`, which stands for `instead`. */
export function nullable(original: OptionRule, instead: unknown): OptionRule {
  return {
    ...original,
    expected: `${original.expected} or null`,
    read: (value) => value === null ? { value: instead } : original.read(value),
  };
}

/** A whole number of at least `least`. */
export function integer(least: number): OptionRule {
  return numeric(
    `an integer of at least ${least}`,
    (value) => Number.isSafeInteger(value) && value >= least,
  );
}

/** A whole number from `least` to `most`. */
export function integerWithin(least: number, most: number): OptionRule {
  return numeric(
    `an integer from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );
}

/** A whole number of at least `least`, or `Infinity`. */
export function integerOrInfinity(least: number): OptionRule {
  return numeric(
    `an integer of at least ${least} or Infinity`,
    (value) =>
      value === Infinity || Number.isSafeInteger(value) && value >= least,
  );
}

/** A time of 0 or more milliseconds. */
export const MILLISECONDS: OptionRule = numeric(
  "a number of milliseconds, 0 or more",
  isNotNegative,
);

/** A time of more than 0 milliseconds. */
export const POSITIVE_MILLISECONDS: OptionRule = numeric(
  "a number of milliseconds above 0",
  (value) => value > 0,
);

/** A time in seconds for the option `target` in milliseconds; 0 and `null` are `never`. */
export function seconds(target: string, never: number): OptionRule {
  const number = numeric("a number of seconds, 0 or more", isNotNegative);
  return alias(
    target,
    nullable(number, 0),
    (value) => value === 0 ? never : 1_000 * (value as number),
  );
}

/** `true` or `false`. */
export const FLAG: OptionRule = {
  ...rule("a boolean", isBoolean),
  parse: parseBoolean,
};

/** A string that is not empty and can be sent: it holds no NUL. */
export const TEXT: OptionRule = rule(
  "a non-empty string without NUL",
  isString,
  (value) => value !== "" && !value.includes("\0"),
);

/** One of a few words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return rule(listOf(words), isString, (value) => words.includes(value));
}

/** A function. */
export const CALLBACK: OptionRule = rule("a function", isFunction);

/** An object that is not an array. */
export const OBJECT: OptionRule = rule("an object", isObject);

/** "a", "b" or "c". */
export function listOf(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return [quoted.slice(0, -1).join(", "), quoted.at(-1)].join(" or ");
}

/** The boolean that `text` spells; anything else stays as it is, and is refused. */
export function parseBoolean(text: string): boolean | string {
  return text === "true" ? true : text === "false" ? false : text;
}

/** The number that `text` spells; anything else stays as it is, and is refused. */
function parseNumber(text: string): number | string {
  return /^(?:-?\d+(?:\.\d+)?|Infinity)$/.test(text) ? Number(text) : text;
}

/** Whether `value` is a string. */
export function isString(value: unknown): value is string {
  return typeof value === "string";
}

/** Whether `value` is a boolean. */
export function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

/** Whether `value` can be called. */
export function isFunction(
  value: unknown,
): value is (...args: unknown[]) => unknown {
  return typeof value === "function";
}

/** Whether `value` is an object with names, not an array. */
export function isObject(
  value: unknown,
): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function numeric(
  expected: string,
  isInRange: (value: number) => boolean,
): OptionRule {
  return { ...rule(expected, isNumber, isInRange), parse: parseNumber };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isNotNegative(value: number): boolean {
  return value >= 0;
}

function anything(): boolean {
  return true;
}

function itself<Value>(value: Value): Value {
  return value;
}
