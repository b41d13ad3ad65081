/**
 * One connection: a socket, the driver that speaks on it, and what runs.
 *
 * @module
 */

import type { Endpoint, Socket } from "../transport/transport.ts";
import { Canceller } from "./cancel.ts";
import {
  type Connection,
  type ConnectionListener,
  isStuck,
  type Loss,
  type Statement,
  type TransactionStatus,
  type UnderWay,
} from "./connection.ts";
import type { DriverClient, SessionOptions } from "./driver_client.ts";
import { DriverSocket, type DriverSocketOwner } from "./driver_socket.ts";
import { Inflow, type InflowOwner } from "./inflow.ts";
import { Latch } from "./latch.ts";
import { lostError } from "./session_faults.ts";
import type { ServerError } from "./server_error.ts";
import { startFailure, startLoss } from "./start_failure.ts";
import { type SessionStatement, StatementLine } from "./statement_line.ts";
import { Wire } from "./wire.ts";

type Phase = "starting" | "running" | "closing" | "lost";

const TERMINATE = new Uint8Array([0x58, 0, 0, 0, 4]);

/** One physical connection of the driver, as the pool sees it. */
export class Session implements Connection, DriverSocketOwner, InflowOwner {
  listener: ConnectionListener | undefined;
  /** What its server says. */
  readonly wire = new Wire();
  readonly #options: SessionOptions;
  readonly #endpoint: Endpoint;
  readonly #driverSocket = new DriverSocket(this);
  readonly #client: DriverClient;
  readonly #line: StatementLine;
  readonly #inflow: Inflow;
  #giveSocket!: (socket: DriverSocket) => void;
  #socket: Socket | undefined;
  #phase: Phase = "starting";
  #loss: Loss | undefined;
  #isWatched = false;
  #failStart: ((error: unknown) => void) | undefined;
  readonly #canceller: Canceller;
  readonly #stepped = new Latch();
  readonly #quiet = new Latch();
  readonly #gone = new Latch();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#endpoint = options.target.endpoint;
    const socket = new Promise<DriverSocket>((give) => this.#giveSocket = give);
    this.#client = options.createClient(socket, this);
    // Later: the pool is in the middle of handing us the statement.
    this.#line = new StatementLine(
      this.#client.execute,
      (statement) =>
        queueMicrotask(() => {
          statement.end();
          this.listener?.onFinished(1);
        }),
    );
    this.#inflow = new Inflow(this.wire, this.#line, this.#driverSocket, this);
    this.#canceller = new Canceller(options.target, {
      // A statement sent now could be hit in the place of the one that is meant.
      onBegin: () => this.#line.hold(),
      onEnd: () => {
        this.#line.resume();
        this.#settle();
      },
    });
  }

  get pid(): number {
    return this.wire.pid;
  }

  get transactionStatus(): TransactionStatus {
    return this.wire.status;
  }

  get inFlight(): number {
    return this.#line.length;
  }

  get underWay(): UnderWay {
    return this.#line;
  }

  get isLost(): boolean {
    return this.#phase === "lost";
  }

  get isMisplaced(): boolean {
    return this.#options.mustWrite && this.wire.refusesWrites;
  }

  get loss(): Loss | undefined {
    return this.#loss;
  }

  get isDamaged(): boolean {
    return this.wire.isDamaged;
  }

  get isCancelling(): boolean {
    return this.#canceller.isSending;
  }

  get isTouched(): boolean {
    return this.wire.isTouched;
  }

  markClean(): void {
    this.wire.isTouched = false;
  }

  /** Starts the driver, which is ready by the time there is a socket to hand it. */
  async start(signal: AbortSignal): Promise<void> {
    const failure = new Promise<never>((_, reject) => this.#failStart = reject);
    const ready = Promise.race([this.#client.start(), failure]);
    ready.catch(() => {}); // it may fail before it is awaited
    const { transport, endpoint, options } = this.#options.target;
    const socket = await transport.connect(endpoint, { ...options, signal });
    this.#socket = socket;
    if (this.isLost) socket.destroy();
    socket.listen({
      onData: (bytes) => this.#inflow.receive(bytes),
      onClose: (cause) => this.#lose(cause),
    });
    this.#giveSocket(this.#driverSocket);
    await ready;
    if (this.isLost) throw this.#lostError(false);
    this.#phase = "running";
    this.#inflow.begin();
    this.wire.isTouched = false;
    if (!this.#options.holdProcess) socket.unref();
  }

  run(statement: Statement): void {
    if (this.#line.length === 0) this.#socket?.ref();
    this.#line.add(statement as SessionStatement);
    if (statement.refusal && this.#line.lastUnsent) void this.#watchLane();
    this.#settle();
  }

  command(sql: string, refusal?: () => Error): Promise<unknown> {
    if (this.#phase === "lost") return Promise.reject(this.#lostError(false));
    const { statement, result } = this.#client.command(sql);
    statement.refusal = refusal;
    this.run(statement);
    return result;
  }

  /** Refuses what comes to stand behind an open cursor or COPY, for as long as something stands. */
  async #watchLane(): Promise<void> {
    if (this.#isWatched) return;
    this.#isWatched = true;
    while (this.#line.lastUnsent !== undefined) {
      if (await isStuck(this.#line)) this.#line.refuseStuck();
      if (this.#line.lastUnsent !== undefined) await this.step();
    }
    this.#isWatched = false;
  }

  cancel(): Promise<void> {
    this.#socket?.resume();
    return this.#canceller.send(this.wire);
  }

  step(): Promise<void> {
    return this.#stepped.wait();
  }

  quiesce(): Promise<void> {
    if (this.#phase === "lost") return Promise.reject(this.#lostError(false));
    if (this.#isQuiet) return Promise.resolve();
    return this.#quiet.wait();
  }

  async close(): Promise<void> {
    if (this.#phase === "lost") return;
    this.#phase = "closing";
    // Who still waits is told that the connection went, not of our cancelling.
    this.#line.abandonEach(this.#lostError);
    // Else the server would first run what it has to its end. A request may
    // overtake the statement it is for, hence several.
    for (let tries = 0; tries < 3 && this.#line.length > 0; tries++) {
      await this.cancel().catch(() => {});
    }
    if (this.isLost) return;
    this.#socket?.ref();
    this.#socket?.resume();
    this.#socket?.write(TERMINATE);
    this.#socket?.end();
    await this.#gone.wait();
  }

  destroy(): void {
    this.#lose(undefined);
  }

  get #isQuiet(): boolean {
    return this.#line.length === 0 && !this.#canceller.isSending;
  }

  /** Something ended, perhaps the last that somebody waits for. */
  #settle(): void {
    const isIdle = this.#line.length === 0 && this.#phase === "running";
    if (isIdle && !this.#options.holdProcess) this.#socket?.unref();
    if (this.#isQuiet) this.#quiet.open();
    this.#stepped.open();
  }

  onWrite(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): void {
    if (this.#phase === "starting" || this.#phase === "running") {
      this.#line.markSent();
      this.#socket?.write(bytes, onWritten);
    } else queueMicrotask(() => onWritten?.(this.#lostError(false)));
  }

  async onLookUp(send: () => void, skip: () => void): Promise<void> {
    const mayLookUp = await this.#options.mayLookUp();
    if (this.isLost) return;
    if (mayLookUp) send();
    else skip();
  }

  onBareSync(): void {
    this.wire.mayEndBare = true;
  }

  onDestroy(): void {
    // When it is starting, the driver has just rejected its first statement:
    // that tells more than we know.
    if (this.#phase !== "starting") this.destroy();
  }

  onPause(): void {
    // Paused, it would not tell that it was closed, nor let an orphan end.
    const isWanted = this.#phase === "running" && !this.#line.isLeft;
    if (isWanted) this.#socket?.pause();
  }

  onResume(): void {
    this.#socket?.resume();
  }

  /** The driver never sees an error before it is ready: it would have nobody to tell. */
  onStart(bytes: Uint8Array): void {
    const failure = startFailure(this.#endpoint, this.wire, this.#client);
    if (failure !== undefined) return this.#lose(failure, failure.sqlState);
    this.#driverSocket.deliver(bytes);
  }

  onEnded(count: number): void {
    this.#settle();
    if (count > 0) this.listener?.onFinished(count);
  }

  onBroken(cause: unknown): void {
    this.#lose(cause);
  }

  onFatal(fatal: ServerError): void {
    this.#lose(this.#client.serverError(fatal), fatal.code);
  }

  /** The only way to be lost. */
  #lose(cause: unknown, sqlState?: string): void {
    if (this.#phase === "lost") return;
    const wasStarting = this.#phase === "starting";
    this.#phase = "lost";
    this.#inflow.stop();
    const loss = this.#loss = { cause, sqlState };
    this.#socket?.destroy();
    const error = this.#lostError(true);
    this.#canceller.stop(error);
    if (wasStarting) this.#failStart?.(startLoss(this.#endpoint, cause));
    else {
      const unfinished = this.#line.abandonAll(
        () => this.#driverSocket.fail(error), // its streams too
        this.#lostError,
      );
      this.listener?.onLost(loss, unfinished);
    }
    this.#stepped.open();
    this.#quiet.fail(error);
    this.#gone.open();
  }

  readonly #lostError = (sent: boolean) => lostError(sent, this.#loss);
}
