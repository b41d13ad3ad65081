/**
 * What a PostgreSQL server sends, by code and length.
 *
 * @module
 */

/** The codes of the messages that are looked at. */
export const CODE = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  commandComplete: 0x43, // C
  dataRow: 0x44, // D
  emptyQueryResponse: 0x49, // I
  errorResponse: 0x45, // E
  noticeResponse: 0x4e, // N
  parameterStatus: 0x53, // S
  portalSuspended: 0x73, // s
  readyForQuery: 0x5a, // Z
} as const;

// What is done with a message, by its code: 0 is none of PostgreSQL's.
const PASSED_OVER = 1;
/** Its body is read. */
export const READ = 2;
/** A COPY begins with it. */
export const STARTS_COPY = 3;

/** What is done with a message, by its code. */
export const TREATMENTS: Uint8Array = new Uint8Array(256);
for (const letter of "123AcDdInstTVv") treat(letter, PASSED_OVER);
for (const letter of "CEKNRSZ") treat(letter, READ);
for (const letter of "GHW") treat(letter, STARTS_COPY);

function treat(letter: string, treatment: number): void {
  TREATMENTS[letter.charCodeAt(0)] = treatment;
}

// These come when the server likes, or only end what came before them.
const NO_REPLIES = new Uint8Array(256);
for (const letter of "ANSZ") NO_REPLIES[letter.charCodeAt(0)] = 1;

/** Whether a message is part of the reply to a statement. */
export function isOfReply(code: number): boolean {
  return NO_REPLIES[code] === 0;
}

// Whatever else answers on the port is told by its first bytes: before a
// session is ready its server sends few kinds of messages, and short ones.
const START_CODES = /[EKNRSZv]/;
const MAX_START_LENGTH = 0x10000;

// A longer length is no PostgreSQL message: the server caps at 1 GB.
const MAX_LENGTH = 0x40000000;

// These have no body, or always the same: what only looks like one is told by
// its length, before a gigabyte is waited for.
const FIXED_LENGTHS = new Uint8Array(256);
for (const letter of "123cInsZ") {
  FIXED_LENGTHS[letter.charCodeAt(0)] = letter === "Z" ? 5 : 4;
}

// The driver ends the process over an authentication message that is cut
// short, or a SCRAM challenge that is none: it reads them in a promise that
// nobody holds.
const MIN_BODY: Readonly<Record<number, number>> = {
  [CODE.authentication]: 4,
  [CODE.backendKeyData]: 8,
};

/** Whether a message with this header can be a server's. */
export function isSound(
  code: number,
  length: number,
  isStarted: boolean,
): boolean {
  const treatment = TREATMENTS[code];
  const fixed = FIXED_LENGTHS[code];
  return treatment !== 0 && length >= 4 && length <= MAX_LENGTH &&
    (fixed === 0 || length === fixed) &&
    (isStarted || isStartMessage(code, length)) &&
    (treatment !== READ || length - 4 >= (MIN_BODY[code] ?? 0));
}

function isStartMessage(code: number, length: number): boolean {
  return START_CODES.test(String.fromCharCode(code)) &&
    length <= MAX_START_LENGTH;
}
