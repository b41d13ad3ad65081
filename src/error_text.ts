/**
 * What an error says, whatever was thrown.
 *
 * @module
 */

/** The message of an error, the text of what is none; never throws. */
export function errorText(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "what was thrown has no text";
  }
}
