/** Which file of `src/` may import which: the layers of ARCHITECTURE.md, as code. */
import { dirname, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname ?? ".", "..");

/** What a file of `src/` is part of. */
type Layer =
  | "core"
  | "clock"
  | "transport"
  | "driver"
  | "errors"
  | "options"
  | "told"
  | "shell"
  | "pool"
  | "sub-entry";

/** The only file that may put adapters and pool together. */
const COMPOSITION_ROOT = "src/create_pool.ts";

/** What the pool sees of a folder with adapters. */
const PORTS = new Set([
  "src/clock/clock.ts",
  "src/driver/connection.ts",
  "src/transport/transport.ts",
]);

/** What tells a user what went wrong, and where; and the giving up of what does not end. */
const ERRORS = new Set([
  "src/abortable.ts",
  "src/call_site.ts",
  "src/error_text.ts",
  "src/pool_errors.ts",
]);

/** What a user is told, beside errors. */
const TOLD = new Set([
  "src/nested_acquire.ts",
  "src/observer.ts",
  "src/pool_events.ts",
  "src/pool_stats.ts",
]);

const FOLDER_LAYERS = new Set([
  "core",
  "clock",
  "transport",
  "driver",
  "options",
  "shell",
]);

/** The layers whose values a layer may import; its types as well. */
const MAY_IMPORT: Record<Layer, readonly Layer[]> = {
  "core": ["core"],
  "clock": ["clock"],
  "errors": ["errors"],
  "transport": ["transport", "errors"],
  "driver": ["driver", "transport", "errors"],
  "options": ["options"],
  "told": ["told", "errors"],
  "shell": ["shell", "told", "errors", "core"],
  "pool": ["pool", "shell", "told", "errors", "core", "options"],
  "sub-entry": [],
};

/** The layers of which a layer may import only types. */
const MAY_NAME: Record<Layer, readonly Layer[]> = {
  "core": [],
  "clock": [],
  "errors": ["told"],
  "transport": ["clock"],
  "driver": ["clock"],
  "options": ["transport", "pool"],
  "told": ["core", "shell"],
  "shell": ["pool", "clock", "transport", "driver"],
  "pool": ["clock", "transport", "driver"],
  "sub-entry": [],
};

/** One import, as written in one file; paths are relative to the repository, with slashes. */
export interface ImportLine {
  readonly from: string;
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

/** Answers a path relative to the repository, with slashes: `src/pool.ts`. */
export function repositoryPath(file: string): string {
  return relative(ROOT, resolve(ROOT, file)).replaceAll("\\", "/");
}

/** Whether a path is one of the package's sources, which the rules are about. */
export function isPublished(path: string): boolean {
  return path === "mod.ts" || path.startsWith("src/");
}

/** Answers what is wrong with an import, or nothing. */
export function importFault(line: ImportLine): string | undefined {
  return line.specifier.startsWith(".")
    ? relativeFault(line)
    : externalFault(line);
}

function relativeFault(line: ImportLine): string | undefined {
  const target = repositoryPath(
    resolve(ROOT, dirname(line.from), line.specifier),
  );
  const own = layerOf(line.from);
  if (own === "elsewhere") return undefined;
  if (own === "sub-entry") return subEntryFault(line.from, target);
  if (target === "mod.ts") return "Nothing inside src/ imports mod.ts";
  if (line.from === COMPOSITION_ROOT) return undefined;
  const layer = layerOf(target);
  if (isOneOf(MAY_IMPORT[own], layer)) return undefined;
  if (isOneOf(["pool", "shell"], own) && PORTS.has(target)) return undefined;
  if (isOneOf(MAY_NAME[own], layer)) {
    if (line.isTypeOnly) return undefined;
    return `${own} imports only types from ${layer}, ` +
      `but for its ports; ${COMPOSITION_ROOT} imports the adapters`;
  }
  return `${own} does not import from ${layer}`;
}

function subEntryFault(from: string, target: string): string | undefined {
  const folder = from.split("/").slice(0, 2).join("/");
  if (target === "mod.ts" || target.startsWith(`${folder}/`)) return undefined;
  return `A sub-entry imports only mod.ts and its own folder`;
}

function externalFault(line: ImportLine): string | undefined {
  const { from, specifier, isTypeOnly } = line;
  if (/^(node|cloudflare|bun):/.test(specifier)) {
    if (layerOf(from) === "transport") return undefined;
    return `Only a transport imports from ${specifier}`;
  }
  if (/^npm:postgres(@|\/|$)/.test(specifier)) {
    if (from === "src/driver/postgres_js.ts") return undefined;
    if (from === "src/sql.ts" && isTypeOnly) return undefined;
    return "Only src/driver/postgres_js.ts imports the driver (src/sql.ts its types)";
  }
  if (/^(npm|jsr|https?):/.test(specifier)) return undefined;
  return `"${specifier}" needs an import map, which does not apply when the module is imported from a URL`;
}

function layerOf(path: string): Layer | "elsewhere" {
  if (!path.startsWith("src/")) return "elsewhere";
  if (ERRORS.has(path)) return "errors";
  if (TOLD.has(path)) return "told";
  const [, folder, file] = path.split("/");
  if (file === undefined) return "pool";
  return FOLDER_LAYERS.has(folder ?? "") ? folder as Layer : "sub-entry";
}

function isOneOf(
  layers: readonly (Layer | "elsewhere")[],
  layer: Layer | "elsewhere",
): boolean {
  return layers.includes(layer);
}
