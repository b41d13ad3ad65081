/** A connection of a driver that is not there: it answers when it is told to. */
import { Latch } from "../../src/driver/latch.ts";
import type {
  Connection,
  ConnectionListener,
  Loss,
  Statement,
  TransactionStatus,
  UnderWay,
} from "../../src/driver/connection.ts";
import { ConnectionLostError } from "../../src/pool_errors.ts";
import { FakeStatement, serverError } from "./fake_statement.ts";

/** How a server answers a statement. */
export type Answer = "ok" | "sqlError" | "internalError" | "cancelled";

/** What a session tells its server. */
export interface SessionWatcher {
  /** Bytes of a statement were written: it runs, now or in its turn. */
  onSent(session: FakeSession, statement: FakeStatement): void;
  /** It was asked to run a statement; sent or not. */
  onRun(session: FakeSession, statement: FakeStatement): void;
  onGone(session: FakeSession): void;
  /** A cancel request is under way. */
  onCancel(session: FakeSession): void;
  /** It was told that we leave. */
  onTerminate(session: FakeSession): void;
}

// What the pool sends to reset a session begins so.
const RESET = "close all;";

export class FakeSession implements Connection, UnderWay {
  readonly pid: number;
  transactionStatus: TransactionStatus = "idle";
  listener: ConnectionListener | undefined;
  loss: Loss | undefined;
  isDamaged = false;
  isTouched = false;
  /** Whether settings of somebody are left: what `isTouched` should tell of. */
  isDirty = false;
  /** Whether what runs is not written yet. */
  isCorked = false;
  isClosing = false;
  /** Whether the server was told that we leave. */
  isTerminated = false;
  readonly line: FakeStatement[] = [];
  readonly #watcher: SessionWatcher;
  readonly #stepped = new Latch();
  readonly #quiet = new Latch();
  readonly #gone = new Latch();
  #cancel: PromiseWithResolvers<void> | undefined;

  constructor(pid: number, watcher: SessionWatcher) {
    this.pid = pid;
    this.#watcher = watcher;
  }

  get inFlight(): number {
    return this.line.length;
  }

  get isLost(): boolean {
    return this.loss !== undefined;
  }

  get underWay(): UnderWay {
    return this;
  }

  get isSuspended(): boolean {
    return false;
  }

  get isFinishing(): boolean {
    return false;
  }

  get lastUnsent(): FakeStatement | undefined {
    return this.line.findLast(({ isStarted }) => !isStarted);
  }

  abandonOpen(): void {}

  get isMisplaced(): boolean {
    return false;
  }

  get isCancelling(): boolean {
    return this.#cancel !== undefined;
  }

  get mayCancel(): boolean {
    const running = this.line.filter(({ isStarted }) => isStarted);
    return running.length > 0 &&
      running.every(({ isAbandoned }) => isAbandoned);
  }

  get isAbandoned(): boolean {
    return this.line.every(({ isAbandoned }) => isAbandoned);
  }

  markClean(): void {
    this.isTouched = false;
  }

  run(statement: Statement): void {
    this.#watcher.onRun(this, statement as FakeStatement);
    this.line.push(statement as FakeStatement);
    this.#advance();
  }

  command(sql: string): Promise<unknown> {
    if (this.isLost) return Promise.reject(this.#lostError(false));
    const statement = new FakeStatement(sql, false, true);
    this.run(statement);
    return statement.result;
  }

  cancel(): Promise<void> {
    if (this.#cancel === undefined) {
      this.#cancel = Promise.withResolvers();
      this.#watcher.onCancel(this);
      if (this.isLost) this.endCancel("fails");
    }
    return this.#cancel?.promise ?? Promise.reject(this.#lostError(true));
  }

  step(): Promise<void> {
    return this.#stepped.wait();
  }

  quiesce(): Promise<void> {
    if (this.isLost) return Promise.reject(this.#lostError(false));
    return this.#isQuiet ? Promise.resolve() : this.#quiet.wait();
  }

  async close(): Promise<void> {
    if (this.isLost) return;
    this.isClosing = true;
    if (this.line.length > 0) await this.cancel().catch(() => {});
    if (this.isLost) return;
    this.isTerminated = true;
    this.#watcher.onTerminate(this);
    await this.#gone.wait();
  }

  destroy(): void {
    this.lose({ cause: undefined, sqlState: undefined });
  }

  /**
   * The server answers the oldest statements, all in one packet; answers how many
   * of so many it had.
   */
  answer(answer: Answer, most = 1): number {
    if (this.isLost) return 0;
    const unsent = this.line.findIndex(({ isSent }) => !isSent);
    const sent = unsent < 0 ? this.line.length : unsent;
    const answered = this.line.splice(0, Math.min(sent, most));
    if (answered.length === 0) return 0;
    for (const statement of answered) this.#settle(statement, answer);
    this.#advance();
    for (const statement of answered) statement.end();
    this.#rest();
    this.listener?.onFinished(answered.length);
    return answered.length;
  }

  /** What was not written yet is written. */
  uncork(): void {
    this.isCorked = false;
    for (const statement of this.line) {
      if (statement.isStarted) this.#send(statement);
    }
  }

  /** A cancel request has come to its end. */
  endCancel(outcome: "hits" | "misses" | "fails"): void {
    const cancel = this.#cancel;
    if (cancel === undefined) return;
    this.#cancel = undefined;
    if (outcome === "hits") this.answer("cancelled");
    this.#advance();
    this.#rest();
    if (outcome === "fails") cancel.reject(this.#lostError(true));
    else cancel.resolve();
  }

  /** The socket is gone. */
  lose(loss: Loss): void {
    if (this.isLost) return;
    this.loss = loss;
    this.#watcher.onGone(this);
    const cancel = this.#cancel;
    this.#cancel = undefined;
    cancel?.promise.catch(() => {});
    cancel?.reject(this.#lostError(true));
    const all = this.line.splice(0);
    for (const statement of all) {
      if (statement.isCommand) {
        statement.fail(this.#lostError(statement.isSent));
      }
    }
    const unfinished = all.filter(({ isCommand }) => !isCommand);
    this.listener?.onLost(loss, unfinished);
    this.#stepped.open();
    this.#quiet.fail(this.#lostError(true));
    this.#gone.open();
  }

  get #isQuiet(): boolean {
    return this.line.length === 0 && this.#cancel === undefined;
  }

  #rest(): void {
    if (this.#isQuiet) this.#quiet.open();
    this.#stepped.open();
  }

  /** Starts what may start: nothing behind a barrier or the abandoned, nothing amid a cancel. */
  #advance(): void {
    for (let at = 0; at < this.line.length; at++) {
      const statement = this.line[at]!;
      if (!statement.isStarted) {
        const isHeld = this.#cancel !== undefined || this.isLost ||
          this.mayCancel;
        if (isHeld || at > 0 && this.line[at - 1]!.isBarrier) return;
        if (statement.isAbandoned) {
          this.line.splice(at--, 1);
          this.#drop(statement);
          continue;
        }
        statement.isStarted = true;
        if (!this.isCorked) this.#send(statement);
      }
    }
  }

  #send(statement: FakeStatement): void {
    if (statement.isSent) return;
    statement.isSent = true;
    this.#watcher.onSent(this, statement);
  }

  /** One that was abandoned before its turn is never written. */
  #drop(statement: FakeStatement): void {
    queueMicrotask(() => {
      statement.end();
      this.listener?.onFinished(1);
    });
  }

  #settle(statement: FakeStatement, answer: Answer): void {
    if (answer === "internalError") this.isDamaged = true;
    const code = this.#refusal(statement.text, answer);
    if (code === undefined) {
      statement.resolve({ command: this.#execute(statement.text) });
      return;
    }
    if (this.transactionStatus === "open") this.transactionStatus = "failed";
    statement.fail(serverError(code));
  }

  #refusal(text: string, answer: Answer): string | undefined {
    if (answer === "internalError") return "XX000";
    if (answer === "cancelled") return "57014";
    if (answer === "sqlError") return "22012";
    const endsFailure = text === "commit" || text.startsWith("rollback");
    const isRefused = this.transactionStatus === "failed" && !endsFailure;
    return isRefused ? "25P02" : undefined;
  }

  /** Does what a server would; answers the command tag. */
  #execute(text: string): string {
    const isFailed = this.transactionStatus === "failed";
    if (text.startsWith("begin")) this.transactionStatus = "open";
    else if (text === "commit" || text === "rollback") {
      this.transactionStatus = "idle";
    } else if (text.startsWith("rollback to") && isFailed) {
      this.transactionStatus = "open";
    } else if (text.startsWith("set")) this.isTouched = this.isDirty = true;
    else if (text.startsWith(RESET)) this.isDirty = false;
    return text === "commit" && isFailed ? "ROLLBACK" : text.toUpperCase();
  }

  #lostError(sent: boolean): ConnectionLostError {
    return new ConnectionLostError({ sent, phase: "idle", ...this.loss });
  }
}
