/**
 * Reads the SQL of `sql.file()`, on runtimes that have files.
 *
 * @module
 */

interface NodeFiles {
  readonly promises: {
    readFile(path: unknown, encoding: "utf8"): Promise<string>;
  };
}

/** A runtime's way to its own modules, without importing one of them. */
interface NodeProcess {
  getBuiltinModule?(name: "node:fs"): NodeFiles;
}

/**
 * The text of a file.
 *
 * @throws {TypeError} Where the runtime has no files.
 */
export async function readSqlFile(path: unknown): Promise<string> {
  if (typeof Deno !== "undefined") {
    return await Deno.readTextFile(path as string | URL);
  }
  const { process } = globalThis as { process?: NodeProcess };
  const files = process?.getBuiltinModule?.("node:fs");
  if (files === undefined) {
    throw new TypeError("Cannot read an SQL file: this runtime has no files");
  }
  return await files.promises.readFile(path, "utf8");
}
