/**
 * Assertions for the tests, with types.
 *
 * The only file that knows where they come from: `@std/assert` is mapped to an
 * npm mirror that ships no declarations, so its functions would all be `any`
 * and `assert()` would not narrow. With the original package this file becomes
 * one line of re-exports.
 */
import * as untyped from "@std/assert";

/** A class, abstract or not, whose instances are `T`. */
// deno-lint-ignore no-explicit-any -- a constructor's parameters are no concern of ours
type Class<T> = abstract new (...args: any[]) => T;

interface Assertions {
  /** Fails unless `condition` is truthy, and narrows it. */
  assert(condition: unknown, message?: string): asserts condition;
  /** Fails unless both are deeply equal. */
  assertEquals<T>(actual: T, expected: T, message?: string): void;
  /** Fails if both are deeply equal. */
  assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  /** Fails unless both are the same value (`Object.is`), and narrows the first. */
  assertStrictEquals<T>(
    actual: unknown,
    expected: T,
    message?: string,
  ): asserts actual is T;
  /** Fails if `actual` is `null` or `undefined`. */
  assertExists<T>(
    actual: T,
    message?: string,
  ): asserts actual is NonNullable<T>;
  /** Fails unless `actual` is an instance of `expected`. */
  assertInstanceOf<T>(
    actual: unknown,
    expected: Class<T>,
    message?: string,
  ): asserts actual is T;
  /** Fails unless `actual` matches `expected`. */
  assertMatch(actual: string, expected: RegExp, message?: string): void;
  /** Fails unless `actual` contains `expected`. */
  assertStringIncludes(
    actual: string,
    expected: string,
    message?: string,
  ): void;
  /** Fails unless `body` throws such an error; returns it. */
  assertThrows<E extends Error = Error>(
    body: () => unknown,
    expected?: Class<E>,
    messageIncludes?: string,
    message?: string,
  ): E;
  /** Fails unless the promise of `body` rejects with such an error; returns it. */
  assertRejects<E extends Error = Error>(
    body: () => PromiseLike<unknown>,
    expected?: Class<E>,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
  /** Fails, always. */
  fail(message?: string): never;
}

// Each one is annotated where it is exported: TypeScript honours `asserts` and
// `never` only through a name with an explicit type.
const typed = untyped as unknown as Assertions;

export const assert: Assertions["assert"] = typed.assert;
export const assertEquals: Assertions["assertEquals"] = typed.assertEquals;
export const assertNotEquals: Assertions["assertNotEquals"] =
  typed.assertNotEquals;
export const assertStrictEquals: Assertions["assertStrictEquals"] =
  typed.assertStrictEquals;
export const assertExists: Assertions["assertExists"] = typed.assertExists;
export const assertInstanceOf: Assertions["assertInstanceOf"] =
  typed.assertInstanceOf;
export const assertMatch: Assertions["assertMatch"] = typed.assertMatch;
export const assertStringIncludes: Assertions["assertStringIncludes"] =
  typed.assertStringIncludes;
export const assertThrows: Assertions["assertThrows"] = typed.assertThrows;
export const assertRejects: Assertions["assertRejects"] = typed.assertRejects;
export const fail: Assertions["fail"] = typed.fail;
