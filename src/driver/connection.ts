/**
 * The driver port: one physical connection, and the statements it runs.
 *
 * @module
 */

/** Whether a session is in a transaction, as its server said last. */
export type TransactionStatus = "idle" | "open" | "failed";

/** One statement of a user: made lazily, run once it is awaited. */
export interface Statement {
  /** Its first word, in lower case; empty if that is not known. */
  readonly firstWord: string;
  /** Needs a connection alone: it may hold several statements, or it lasts. */
  readonly isExclusive: boolean;
  /** Whether it may make what is temporary: a table made of a query is told as a SELECT. */
  readonly mayMakeTemporary: boolean;
  /** Whether its bytes were handed to the socket: it may have run. */
  readonly isSent: boolean;
  /** Whether its caller has gone: an error was given already. */
  readonly isAbandoned: boolean;
  /** Makes the error of one that comes to stand behind what waits for its user; without it, it waits too. */
  refusal: (() => Error) | undefined;
  /** Lets nothing be written behind it, so that it can be cancelled alone. */
  isBarrier: boolean;
  /** Who carries it to a connection; the driver leaves it alone. */
  carrier: unknown;
  /** Is called once, when nothing of it is left on the wire. */
  onEnd: (() => void) | undefined;
  /** Whether its caller has his answer; its server may not have ended it yet, and a cursor's callback may have rows that its server has done with. */
  readonly isAnswered: boolean;
  /** Calls `then` once its caller has his answer; at once, if he has. */
  whenAnswered(then: () => void): void;
  /** Tells of its error; `onError` answers whether it tells of it in its turn, so that nobody has to await it. */
  watchError(onError: (error: unknown) => boolean): void;
  /** Gives the caller an error and forgets it; the statement itself goes on. */
  abandon(error: unknown): void;
  /** Gives the caller an error because the statement will not run, or not to its end. */
  fail(error: unknown): void;
  /** The same of one that its user should not have run, who is to know though nobody awaits it. */
  refuse(error: unknown): void;
  /** Makes an unsent statement ready to be run on another connection. */
  recall(): void;
}

/** Whether a call with this as its first argument is that of a template tag. */
export function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray((value as TemplateStringsArray | undefined)?.raw);
}

/** Runs the statements that were made for it. */
export interface StatementScope {
  /** A statement of this scope was awaited. */
  run(statement: Statement): void;
  /** `.cancel()` was called on a statement of this scope. */
  cancel(statement: Statement): void;
}

/** Why a connection ended, and what the server said. */
export interface Loss {
  /** The socket's error, if it had one. */
  readonly cause: unknown;
  /** The server's parting SQLSTATE, if it gave one. */
  readonly sqlState: string | undefined;
}

/** What a connection tells the pool. */
export interface ConnectionListener {
  /** Nothing of `count` statements is left on the wire; each was told before. */
  onFinished(count: number): void;
  /** The connection died; `unfinished` are yours to fail or to run elsewhere. */
  onLost(loss: Loss, unfinished: readonly Statement[]): void;
  /** The server sent a notice. */
  onNotice(notice: Record<string, string>): void;
}

/** The statements under way on one connection. */
export interface UnderWay {
  /** Whether a cursor or a COPY is open and waits for its user: what came now would wait for ever. */
  readonly isSuspended: boolean;
  /** Whether a cancel could hit nobody who still waits: all that runs was abandoned. */
  readonly mayCancel: boolean;
  /** Whether nobody waits for a statement under way: each was given up, or is open. */
  readonly isAbandoned: boolean;
  /** Whether a COPY runs, and nothing else, whose writer has ended. */
  readonly isFinishing: boolean;
  /** The last of those that wait to be sent, and may fail before that. */
  readonly lastUnsent: Statement | undefined;
  /** Gives up each cursor and COPY that its user may go on with. */
  abandonOpen(makeError: () => Error): void;
}

// From the end of a cursor's loop to the driver's taking note of it.
const CURSOR_TURNS = 16;

/**
 * Whether one waits for its user. One whose loop was just left does so for a
 * few turns of promises more.
 */
export async function isStuck(statements: UnderWay): Promise<boolean> {
  for (let turn = 0; turn < CURSOR_TURNS; turn++) {
    if (!statements.isSuspended) return false;
    await undefined;
  }
  return statements.isSuspended;
}

/** One physical connection. */
export interface Connection {
  /** The server process. */
  readonly pid: number;
  /** Whether the session is in a transaction, as of the last reply. */
  readonly transactionStatus: TransactionStatus;
  /** How many statements are under way. */
  readonly inFlight: number;
  /** What is to be known of them. */
  readonly underWay: UnderWay;
  /** Whether it is gone. */
  readonly isLost: boolean;
  /** How it ended, once it is gone. */
  readonly loss: Loss | undefined;
  /** Must not be lent again: the server reported an internal error. */
  readonly isDamaged: boolean;
  /** Whether it was to write, and its server has become read-only. */
  readonly isMisplaced: boolean;
  /** Whether a cancel request of ours is under way. */
  readonly isCancelling: boolean;
  /** Whether session state was changed since the last `markClean`, as far as the wire shows. */
  readonly isTouched: boolean;
  /** Who is told; set once, by the pool. */
  listener: ConnectionListener | undefined;
  /** Forgets what `isTouched` knows. */
  markClean(): void;
  /** Runs a statement behind those under way. The connection must not be lost. */
  run(statement: Statement): void;
  /**
   * Runs SQL of the pool's own; several statements may be in it.
   *
   * `refusal` is that of its statement.
   *
   * @throws {PostgresError} The server's error.
   * @throws {ConnectionLostError} When the connection died.
   */
  command(sql: string, refusal?: () => Error): Promise<unknown>;
  /** Asks the server to cancel what runs; resolves once the request is known finished. */
  cancel(): Promise<void>;
  /** Resolves once a statement ends or comes to wait for its user, or the connection dies. */
  step(): Promise<void>;
  /** Resolves once nothing is under way, no cancel either; rejects when the connection dies. */
  quiesce(): Promise<void>;
  /** Ends the session, cancelling what runs; resolves once the server has closed. Never rejects. */
  close(): Promise<void>;
  /** Cuts the socket at once. */
  destroy(): void;
}

/** What one dial needs. */
export interface DialOptions {
  /** Which address of the plan to try, from 0. */
  readonly attempt: number;
  /** Gives up; the dial rejects with its reason. */
  readonly signal: AbortSignal;
}

/** Opens connections. */
export interface Driver {
  /** How many addresses a dial may try, one after the other. */
  readonly attempts: number;
  /**
   * Opens one connection, ready to run statements.
   *
   * @throws {ConnectError} Why not.
   */
  dial(options: DialOptions): Promise<Connection>;
}
