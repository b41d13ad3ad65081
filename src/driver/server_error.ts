/**
 * What a server says when something failed.
 *
 * @module
 */

const decoder = new TextDecoder();

/** The fields of an `ErrorResponse` that matter here. */
export interface ServerError {
  /** `ERROR`, `FATAL` or `PANIC`, never translated. */
  readonly severity: string;
  /** The SQLSTATE. */
  readonly code: string;
  /** What the server says. */
  readonly message: string;
}

/** Says that what came is not PostgreSQL's protocol. */
export class ProtocolViolation extends Error {}

/** Reads the body of an `ErrorResponse` or a `NoticeResponse`. */
export function parseError(body: Uint8Array): ServerError {
  const fields = new Map<string, string>();
  for (const field of decoder.decode(body).split("\0")) {
    if (field !== "") fields.set(field[0]!, field.slice(1));
  }
  return {
    severity: fields.get("V") ?? fields.get("S") ?? "",
    code: fields.get("C") ?? "",
    message: fields.get("M") ?? "",
  };
}
