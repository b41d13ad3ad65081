/**
 * Environment variables, where the runtime lets us read them.
 *
 * @module
 */

/** Reads one environment variable; `undefined` when unset, empty or not readable. */
export type Environment = (name: string) => string | undefined;

interface Runtime {
  readonly Deno?: {
    readonly permissions?: {
      querySync?(descriptor: { name: "env"; variable: string }): {
        readonly state: string;
      };
    };
  };
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
  };
}

/** Whether Deno refuses the variable, or would have to ask for it. */
export function isWithheld(name: string): boolean {
  const permission = (globalThis as Runtime).Deno?.permissions?.querySync?.({
    name: "env",
    variable: name,
  });
  return permission !== undefined && permission.state !== "granted";
}

/**
 * Reads one variable of the process.
 *
 * On Deno a variable is read only when that is already granted: nothing
 * prompts, and `--allow-net` alone is enough when everything is passed.
 */
export function readEnvironment(name: string): string | undefined {
  if (isWithheld(name)) return undefined;
  try {
    return (globalThis as Runtime).process?.env?.[name] || undefined;
  } catch {
    // A hosted runtime may refuse without having been able to say so.
    return undefined;
  }
}

/** The first of `names` that is set. */
export function firstVariable(
  environment: Environment,
  names: readonly string[],
): { readonly name: string; readonly text: string } | undefined {
  for (const name of names) {
    const text = environment(name);
    if (text) return { name, text };
  }
  return undefined;
}
