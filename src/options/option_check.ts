/**
 * Checking what a caller passed against a table of rules.
 *
 * One loop and one wording for every option: what is unknown is refused by
 * name, since a misspelt limit must not become a default.
 *
 * @module
 */

import { isObject } from "./option_kinds.ts";

/** What a rule makes of a value: the value to use, or what is wrong with it. */
export type Reading =
  | { readonly value: unknown }
  | { readonly fault: "type" | "range" };

/** How one option is read. */
export interface OptionRule {
  /** What is expected, for messages: "an integer of at least 1". */
  readonly expected: string;
  /** The name it is known by afterwards; its own if absent. */
  readonly target?: string;
  /** Whether its value must stay out of messages. */
  readonly secret?: boolean;
  /** Checks and converts a value; `undefined` never gets here. */
  read(value: unknown): Reading;
  /** Makes a value of text from a URL or an environment variable; itself if absent. */
  parse?(text: string): unknown;
}

/** The rules of one call, by option name. */
type OptionRules = Readonly<Record<string, OptionRule>>;

/** Where options come from, for messages. */
export interface OptionSource {
  /** What the caller is doing: "create the pool". */
  readonly action: string;
  /** What one of them is called here: "option", "URL parameter" … */
  readonly noun: string;
  /** Whether a bad value may be shown; what a URL carries may not. */
  readonly shown: boolean;
  /** What to say of a name that has no rule, instead of the nearest one. */
  readonly hints?: Readonly<Record<string, string>>;
}

/** What a caller passes himself. */
export function passedTo(action: string): OptionSource {
  return { action, noun: "option", shown: true };
}

/**
 * Reads every given option by its rule, under its rule's target.
 *
 * @throws {TypeError} If one is unknown, is of a wrong type, or is given twice
 * under two names.
 * @throws {RangeError} If one is out of range.
 */
export function readOptions(
  rules: OptionRules,
  given: unknown,
  source: OptionSource,
): Record<string, unknown> {
  if (given === undefined) return {};
  const read: Record<string, unknown> = {};
  const givenAs = new Map<string, string>();
  const options = namedOptions(given, source);
  // What is inherited counts, too: it would be silently dropped.
  for (const name in options) {
    const rule = ruleOf(rules, name, source);
    const value = options[name];
    if (value === undefined) continue;
    const target = rule.target ?? name;
    const other = givenAs.get(target);
    if (other !== undefined) throw givenTwice(source, other, name);
    givenAs.set(target, name);
    read[target] = readOption(rule, name, value, source);
  }
  return read;
}

/**
 * Checks every given option by its rule, where it is used as it was given: as
 * strict as `readOptions()`, and cheaper.
 */
export function checkOptions(
  rules: OptionRules,
  given: unknown,
  source: OptionSource,
): void {
  const options = namedOptions(given, source);
  for (const name in options) {
    const rule = ruleOf(rules, name, source);
    const value = options[name];
    if (value !== undefined) readOption(rule, name, value, source);
  }
}

/** Reads one value by its rule; `name` is what messages call it. */
export function readOption(
  rule: OptionRule,
  name: string,
  value: unknown,
  source: OptionSource,
): unknown {
  const reading = rule.read(value);
  if ("value" in reading) return reading.value;
  const shown = source.shown && !rule.secret;
  const message = `Cannot ${source.action}: ${source.noun} "${name}" must be ` +
    `${rule.expected}, got ${describe(value, reading.fault, shown)}`;
  throw reading.fault === "type"
    ? new TypeError(message)
    : new RangeError(message);
}

/** The error for what cannot be made sense of. */
export function refusal(action: string, why: string): TypeError {
  return new TypeError(`Cannot ${action}: ${why}`);
}

/** The error for a name that has no rule. */
function unknownOption(
  name: string,
  known: readonly string[],
  source: OptionSource,
): TypeError {
  const { action, noun, hints = {} } = source;
  const nearest = nearestName(name, known);
  const hint = Object.hasOwn(hints, name)
    ? `: ${hints[name]}`
    : nearest === undefined
    ? ""
    : `: did you mean "${nearest}"?`;
  return refusal(action, `unknown ${noun} "${name}"${hint}`);
}

/** The type of a value in words: "a string", "null", "an array". */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function namedOptions(
  given: unknown,
  { action }: OptionSource,
): Readonly<Record<string, unknown>> {
  if (isObject(given)) return given;
  const why = `the options must be an object, got ${typeName(given)}`;
  throw refusal(action, why);
}

function ruleOf(
  rules: OptionRules,
  name: string,
  source: OptionSource,
): OptionRule {
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule !== undefined) return rule;
  throw unknownOption(name, Object.keys(rules), source);
}

function givenTwice(
  { action, noun }: OptionSource,
  one: string,
  other: string,
): TypeError {
  return refusal(
    action,
    `${noun}s "${one}" and "${other}" are two names of one thing: pass one ` +
      "of them",
  );
}

function describe(
  value: unknown,
  fault: "type" | "range",
  shown: boolean,
): string {
  if (fault === "type") return typeName(value);
  if (typeof value === "number" && shown) return String(value);
  if (typeof value === "string" && shown) return JSON.stringify(value);
  return `another ${Array.isArray(value) ? "array" : typeof value}`;
}

// A third of the letters may differ: "maxx" is near "max", "pool" is near nothing.
function nearestName(
  name: string,
  known: readonly string[],
): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1);
    }
    row = next;
  }
  return row[b.length]!;
}
