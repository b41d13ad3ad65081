/** One fault that a pool might have: a change of its source. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** It must be in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A fault of a file in `src/`. */
export function mutant(
  name: string,
  file: string,
  find: string,
  replace: string,
): Mutant {
  return { name, file: `src/${file}`, find, replace };
}
