/**
 * What an error says, whatever was thrown.
 *
 * @module
 */

/** The code on an error, such as `ECONNREFUSED` or an SQLSTATE, if it has one. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** The message of an error, the text of what is none; never throws. */
export function errorText(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "what was thrown has no text";
  }
}
