/**
 * What a session needs of the driver that speaks on it.
 *
 * @module
 */

import type { CancelTarget } from "./cancel.ts";
import type { DriverSocket } from "./driver_socket.ts";
import type { Session } from "./session.ts";
import type { Execute, SessionStatement } from "./statement_line.ts";
import type { ServerError } from "./server_error.ts";

/** A statement of our own, and what comes of it. */
interface Command {
  readonly statement: SessionStatement;
  readonly result: Promise<unknown>;
}

/** One instance of the driver, with one connection. */
export interface DriverClient {
  /** Makes the driver connect; resolves once it takes statements. */
  start(): Promise<unknown>;
  /** Hands it a statement. */
  readonly execute: Execute;
  /** Makes a statement of SQL of our own. */
  command(sql: string): Command;
  /** Makes an error of what the server said. */
  serverError(error: ServerError): Error & { readonly code: string };
}

/** What one client is told. */
export interface ClientOptions {
  readonly socket: Promise<DriverSocket>;
  readonly session: Session;
  readonly password: string;
  /** Asked once there is a socket: whether the array types are unknown. */
  fetchTypes(): boolean;
}

/** What a session needs to begin. */
export interface SessionOptions {
  /** Makes the driver's client; it asks for its socket once. */
  createClient(socket: Promise<DriverSocket>, session: Session): DriverClient;
  /** Whether the driver is to look up the array types, once it wants to; else they are known. */
  mayLookUp(): Promise<boolean>;
  /** Where it connects. */
  readonly target: CancelTarget;
  /** Whether it is of use only as long as it may write. */
  readonly mustWrite: boolean;
  /** Whether it keeps the process alive when nothing runs. */
  readonly holdProcess: boolean;
}
