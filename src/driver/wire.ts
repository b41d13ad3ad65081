/**
 * What can be seen of a session by watching its bytes.
 *
 * @module
 */

import type { TransactionStatus } from "./connection.ts";

const CODE = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  commandComplete: 0x43, // C
  dataRow: 0x44, // D
  errorResponse: 0x45, // E
  parameterStatus: 0x53, // S
  portalSuspended: 0x73, // s
  readyForQuery: 0x5a, // Z
} as const;

// What is done with a message, by its code: 0 is none of PostgreSQL's.
const PASSED_OVER = 1;
const READ = 2;
const STARTS_COPY = 3;

const TREATMENTS = new Uint8Array(256);
for (const letter of "123AcDdInNstTVv") treat(letter, PASSED_OVER);
for (const letter of "CEKRSZ") treat(letter, READ);
for (const letter of "GHW") treat(letter, STARTS_COPY);

function treat(letter: string, treatment: number): void {
  TREATMENTS[letter.charCodeAt(0)] = treatment;
}

// Whatever else answers on the port is told by its first bytes: before a
// session is ready its server sends few kinds of messages, and short ones.
const START_CODES = /[EKNRSZv]/;
const MAX_START_LENGTH = 0x10000;

// A longer length is no PostgreSQL message: the server caps at 1 GB.
const MAX_LENGTH = 0x40000000;

// The driver ends the process over an authentication message that is cut
// short, or a SCRAM challenge that is none: it reads them in a promise that
// nobody holds.
const MIN_BODY: Readonly<Record<number, number>> = {
  [CODE.authentication]: 4,
  [CODE.backendKeyData]: 8,
  [CODE.readyForQuery]: 1,
};
const SASL_CONTINUE = 11;
const SCRAM_CHALLENGE = /^r=[^,]+,s=[^,]+,i=[1-9]\d{0,8}$/;

// Commands that leave something behind in the session.
const LASTING_COMMANDS =
  /^(SET|RESET|LISTEN|UNLISTEN|PREPARE|DEALLOCATE|LOAD|DISCARD|DECLARE CURSOR|CREATE TABLE|SELECT INTO)/;

const STATUS: Record<number, TransactionStatus | undefined> = {
  0x49: "idle",
  0x54: "open",
  0x45: "failed",
};

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

/**
 * Follows what a server sends, across any chunking.
 *
 * It knows the transaction status without asking, and how many statements have
 * ended: each ends in exactly one `ReadyForQuery`.
 */
export class Wire {
  /** The server process; 0 until it said. */
  pid = 0;
  /** What a cancel request must show. */
  secret = 0;
  /** As of the last `ReadyForQuery`. */
  status: TransactionStatus = "idle";
  /** How many `ReadyForQuery` came. */
  readies = 0;
  /** A COPY is open. */
  isCopying = false;
  /** Session state was changed, as far as commands and parameters tell. */
  isTouched = false;
  /** The server reported an internal error. */
  isDamaged = false;
  /** An error came since this was set to `false`. */
  hasFailed = false;
  /** The last error of any kind. */
  error: ServerError | undefined;
  /** The error that ends the session. */
  fatal: ServerError | undefined;
  /** Which authentication the server asked for last. */
  authentication = -1;
  /** What the server reported of itself. */
  readonly parameters = new Map<string, string>();

  #isStarted = false;
  readonly #header = new Uint8Array(5);
  #headerLength = 0;
  #bodyLeft = 0;
  #code = 0;
  #parts: Uint8Array[] = [];

  /** Whether the first `ReadyForQuery` came. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Whether rows are what came last, or the end of some, and no error. */
  get isAmongRows(): boolean {
    const code = this.#code;
    if (this.hasFailed) return false;
    return code === CODE.dataRow || code === CODE.portalSuspended ||
      code === CODE.commandComplete;
  }

  /**
   * Sees what the server sent from `start` on, up to and including the next
   * `ReadyForQuery`; answers how far that is.
   *
   * @throws {ProtocolViolation} If it is not PostgreSQL's protocol.
   */
  receive(bytes: Uint8Array, start = 0): number {
    const { readies } = this;
    let at = start;
    while (at < bytes.length && this.readies === readies) {
      if (this.#bodyLeft === 0) {
        at = this.#readHeader(bytes, at);
        continue;
      }
      const end = Math.min(bytes.length, at + this.#bodyLeft);
      if (TREATMENTS[this.#code] === READ) {
        this.#parts.push(bytes.subarray(at, end));
      }
      this.#bodyLeft -= end - at;
      at = end;
      if (this.#bodyLeft === 0) this.#handleBody();
    }
    return at;
  }

  #readHeader(bytes: Uint8Array, start: number): number {
    // Nearly always the header is whole; then nothing is copied.
    if (this.#headerLength === 0 && bytes.length - start >= 5) {
      this.#begin(bytes[start]!, readInt32(bytes, start + 1));
      return start + 5;
    }
    this.#header[this.#headerLength++] = bytes[start]!;
    if (this.#headerLength === 5) {
      this.#headerLength = 0;
      this.#begin(this.#header[0]!, readInt32(this.#header, 1));
    }
    return start + 1;
  }

  #begin(code: number, length: number): void {
    const treatment = TREATMENTS[code];
    const isSound = treatment !== 0 && length >= 4 && length <= MAX_LENGTH &&
      (this.#isStarted || isStartMessage(code, length)) &&
      (treatment !== READ || length - 4 >= (MIN_BODY[code] ?? 0));
    if (!isSound) {
      throw new ProtocolViolation(
        `Cannot read a message: its code is ${code} and its length ${length}`,
      );
    }
    this.#code = code;
    this.#bodyLeft = length - 4;
    if (treatment === STARTS_COPY) this.isCopying = true;
  }

  #handleBody(): void {
    if (this.#parts.length === 0) return;
    const body = this.#parts.length === 1
      ? this.#parts[0]!
      : concat(this.#parts);
    this.#parts = [];
    switch (this.#code) {
      case CODE.readyForQuery:
        return this.#ready(body[0]!);
      case CODE.commandComplete:
        return this.#complete(body);
      case CODE.errorResponse:
        return this.#error(parseError(body));
      case CODE.parameterStatus:
        return this.#parameter(body);
      case CODE.backendKeyData:
        this.pid = readInt32(body, 0);
        this.secret = readInt32(body, 4);
        return;
      case CODE.authentication:
        return this.#authenticate(body);
    }
  }

  #authenticate(body: Uint8Array): void {
    this.authentication = readInt32(body, 0);
    if (this.authentication !== SASL_CONTINUE) return;
    if (SCRAM_CHALLENGE.test(decoder.decode(body.subarray(4)))) return;
    throw new ProtocolViolation("Cannot read a SCRAM challenge: it is none");
  }

  #ready(code: number): void {
    const status = STATUS[code];
    if (status === undefined) {
      throw new ProtocolViolation(
        `Cannot read a transaction status: its code is ${code}`,
      );
    }
    this.status = status;
    this.isCopying = false;
    this.readies++;
    this.#isStarted = true;
  }

  #complete(body: Uint8Array): void {
    // The hot commands start with letters that no lasting one has, or are told
    // by their second letter; only the rest is decoded.
    const [first, second] = body;
    const isHot = first === 0x49 || first === 0x55 && second === 0x50 || // INSERT, UPDATE
      first === 0x53 && body[6] === 0x20 && body[7]! < 0x40; // SELECT n
    if (!isHot && LASTING_COMMANDS.test(decoder.decode(body))) {
      this.isTouched = true;
    }
  }

  #error(error: ServerError): void {
    this.error = error;
    this.hasFailed = true;
    if (error.severity === "FATAL" || error.severity === "PANIC") {
      this.fatal = error;
    } else if (error.code.startsWith("XX")) this.isDamaged = true;
  }

  #parameter(body: Uint8Array): void {
    const [name = "", value = ""] = decoder.decode(body).split("\0");
    this.parameters.set(name, value);
    if (this.#isStarted) this.isTouched = true;
  }
}

function isStartMessage(code: number, length: number): boolean {
  return START_CODES.test(String.fromCharCode(code)) &&
    length <= MAX_START_LENGTH;
}

/** A big-endian 32-bit number. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) |
    bytes[at + 3]!;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((length, part) => length + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function parseError(body: Uint8Array): ServerError {
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
