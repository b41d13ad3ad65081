/**
 * What can be seen of a session by watching its bytes.
 *
 * @module
 */

import { concat, readInt32 } from "./bytes.ts";
import { forgetsPlans, leavesState, readTag } from "./command_tag.ts";
import type { TransactionStatus } from "./connection.ts";
import {
  CODE,
  isOfReply,
  isSound,
  READ,
  STARTS_COPY,
  TREATMENTS,
} from "./message_codes.ts";
import {
  parseError,
  ProtocolViolation,
  type ServerError,
} from "./server_error.ts";

const ERROR = CODE.errorResponse;
const SASL_CONTINUE = 11;
const SCRAM_CHALLENGE = /^r=[^,]+,s=[^,]+,i=[1-9]\d{0,8}$/;

// 57P01 to 57P03: the server goes down, or did.
const SHUTDOWN_CLASS = "57P0";

// A write was refused because the transaction, or the server, is read-only.
const READ_ONLY = "25006";

const STATUS: Record<number, TransactionStatus | undefined> = {
  0x49: "idle",
  0x54: "open",
  0x45: "failed",
};

const decoder = new TextDecoder();

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
  /** How many `ReadyForQuery` came; the first says that the session has started. */
  readies = 0;
  /** Session state was changed, as far as commands and parameters tell. */
  isTouched = false;
  /** Prepared statements were forgotten since this was set to `false`. */
  hasForgottenPlans = false;
  /** The server reported an internal error. */
  isDamaged = false;
  /** The next end may have no reply before it: nothing but a `Sync` was sent. */
  mayEndBare = false;
  /** A write was refused as read-only. */
  wasReadOnly = false;
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

  #isReplying = false;
  #hasCopyStarted = false;
  readonly #header = new Uint8Array(5);
  #headerLength = 0;
  #bodyLeft = 0;
  #code = 0;
  #parts: Uint8Array[] = [];

  /** Whether a COPY started since this was last asked. */
  takeCopyStart(): boolean {
    const hasStarted = this.#hasCopyStarted;
    this.#hasCopyStarted = false;
    return hasStarted;
  }

  /** Whether the server says that it takes no writes, or none by default. */
  get isReadOnly(): boolean {
    return this.parameters.get("in_hot_standby") === "on" ||
      this.parameters.get("default_transaction_read_only") === "on";
  }

  /** Whether it refused a write, and says that it will again. */
  get refusesWrites(): boolean {
    return this.wasReadOnly && this.isReadOnly;
  }

  /** Whether rows are what came last, and more may come; and no error. */
  get isAmongRows(): boolean {
    const code = this.#last;
    if (this.hasFailed) return false;
    return code === CODE.dataRow || code === CODE.portalSuspended;
  }

  /** Whether what came last says that there was nothing to run. */
  get isEmpty(): boolean {
    return this.#last === CODE.emptyQueryResponse;
  }

  /** The code of what came last; none while the next message has begun. */
  get #last(): number | undefined {
    return this.#headerLength + this.#bodyLeft === 0 ? this.#code : undefined;
  }

  /**
   * Sees what the server sent from `start` on, up to and including the next
   * `ReadyForQuery`, but an error by itself; answers how far that is.
   *
   * @throws {ProtocolViolation} If it is not PostgreSQL's protocol.
   */
  receive(bytes: Uint8Array, start = 0): number {
    const { readies } = this;
    let at = start;
    while (at < bytes.length && this.readies === readies) {
      if (this.#bodyLeft === 0) {
        const isError = bytes[at] === ERROR && this.#headerLength === 0;
        if (isError && at > start) break;
        at = this.#readHeader(bytes, at);
        continue;
      }
      at = this.#readBody(bytes, at);
      if (this.#code === ERROR && this.#bodyLeft === 0) break;
    }
    return at;
  }

  /** Whether an error is what came last. */
  get isAtError(): boolean {
    return this.#last === ERROR;
  }

  /** Whether an error begins at `at`. */
  isBeforeError(bytes: Uint8Array, at: number): boolean {
    return bytes[at] === ERROR && this.#headerLength + this.#bodyLeft === 0;
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
    if (!isSound(code, length, this.readies > 0)) {
      throw new ProtocolViolation(
        `Cannot read a message: its code is ${code} and its length ${length}`,
      );
    }
    this.#code = code;
    this.#bodyLeft = length - 4;
    if (isOfReply(code)) this.#isReplying = true;
    if (TREATMENTS[code] === STARTS_COPY) this.#hasCopyStarted = true;
  }

  /** Nearly always the body is whole; then nothing is copied, or even sliced. */
  #readBody(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.#bodyLeft);
    const isWhole = this.#parts.length === 0 && end - start === this.#bodyLeft;
    this.#bodyLeft -= end - start;
    if (TREATMENTS[this.#code] !== READ) return end;
    if (isWhole) this.#handleBody(bytes, start, end);
    else this.#gather(bytes.subarray(start, end));
    return end;
  }

  #gather(part: Uint8Array): void {
    this.#parts.push(part);
    if (this.#bodyLeft > 0) return;
    const body = concat(this.#parts);
    this.#parts = [];
    this.#handleBody(body, 0, body.length);
  }

  /** The two that come with each statement are read where they lie. */
  #handleBody(bytes: Uint8Array, start: number, end: number): void {
    if (this.#code === CODE.readyForQuery) this.#ready(bytes[start]!);
    else if (this.#code === CODE.commandComplete) {
      const tag = readTag(bytes, start, end);
      if (tag !== undefined) this.#endCommand(tag);
    } else this.#handleRare(bytes.subarray(start, end));
  }

  #endCommand(tag: string): void {
    if (leavesState(tag)) this.isTouched = true;
    if (forgetsPlans(tag)) this.hasForgottenPlans = true;
  }

  #handleRare(body: Uint8Array): void {
    switch (this.#code) {
      case CODE.errorResponse:
        return this.#error(parseError(body));
      case CODE.noticeResponse:
        return this.#notice(parseError(body));
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
    // Taken for the end of what runs, it would shift all results by one.
    if (this.readies > 0 && !this.#isReplying && !this.mayEndBare) {
      throw new ProtocolViolation("Cannot end a reply: none has begun");
    }
    this.#isReplying = this.mayEndBare = false;
    const status = STATUS[code];
    if (status === undefined) {
      throw new ProtocolViolation(
        `Cannot read a transaction status: its code is ${code}`,
      );
    }
    this.status = status;
    this.readies++;
  }

  #error(error: ServerError): void {
    this.error = error;
    this.hasFailed = true;
    if (error.severity === "FATAL" || error.severity === "PANIC") {
      this.fatal = error;
    } else if (error.code.startsWith("XX")) this.isDamaged = true;
    else if (error.code === READ_ONLY) this.wasReadOnly = true;
  }

  /** A server that goes down because another session crashed says so in a notice. */
  #notice(notice: ServerError): void {
    if (notice.code.startsWith(SHUTDOWN_CLASS)) this.fatal = notice;
  }

  #parameter(body: Uint8Array): void {
    const [name = "", value = ""] = decoder.decode(body).split("\0");
    this.parameters.set(name, value);
    if (this.readies > 0) this.isTouched = true;
  }
}
