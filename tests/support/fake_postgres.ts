/**
 * A PostgreSQL server that is none: it speaks the protocol, knows a few
 * statements by heart, and misbehaves at any message when told to.
 *
 * ```ts ignore
 * await using server = await startFakePostgres();
 * server.answer("select 1 as one", { columns: { one: 23 }, rows: [["1"]] });
 * server.misbehave({ at: "Q", how: "garbage", times: 1 });
 * const pool = createPool(server.url);
 * ```
 */
import { createServer, type Server, type Socket } from "node:net";
import { errorResponse, joined, message } from "../driver/server_bytes.ts";
import {
  type BackendServer,
  type FakeAuthentication,
  FakeBackend,
} from "./fake_backend.ts";
import { FakeReplies, type Reply, type SqlPattern } from "./fake_replies.ts";

/** What a server does in the place of an answer. */
export type Misbehaviour =
  /** Nothing, ever again on this connection. */
  | "never answer"
  | "garbage"
  | "close"
  | "reset"
  /** A message that says it is shorter than a message can be. */
  | "wrong length"
  /** A message that says it is longer than what comes. */
  | "long length"
  /** A message that belongs somewhere else: the beginning of a COPY. */
  | "unexpected message"
  /** A message whose letter is none of the protocol's. */
  | "unknown message"
  | "FATAL then close"
  /** The answer, as it should be: the control. */
  | "nothing";

/** Every way to misbehave. */
export const MISBEHAVIOURS: readonly Misbehaviour[] = [
  "nothing",
  "never answer",
  "garbage",
  "close",
  "reset",
  "wrong length",
  "long length",
  "unexpected message",
  "unknown message",
  "FATAL then close",
];

/** When a server misbehaves, and how. */
export interface Script {
  /** The client's message that is answered so: a letter, `startup`, `ssl` or `cancel`. */
  readonly at: string;
  /** Which of them, counted from now on over all connections. */
  readonly nth?: number;
  readonly how: Misbehaviour;
  /** How often; always unless told. */
  readonly times?: number;
}

/** How a fake server is set up. */
export interface FakeOptions {
  readonly authentication?: FakeAuthentication;
  readonly password?: string;
}

const COPY_IN = message("G", [0, 0, 0]);
const FATAL = errorResponse("FATAL", "57P01", "terminating connection");

/** Starts a fake server on a free port of 127.0.0.1. */
export async function startFakePostgres(
  options: FakeOptions = {},
): Promise<FakePostgres> {
  const server = new FakePostgres(options);
  await server.listen();
  return server;
}

/** The server, as a test has it. */
export class FakePostgres implements AsyncDisposable, BackendServer {
  readonly host = "127.0.0.1";
  readonly replies = new FakeReplies();
  readonly authentication: FakeAuthentication;
  readonly password: string;
  /** Every statement that was run, in order, over all sessions. */
  readonly statements: string[] = [];
  /** How many cancel requests came. */
  cancels = 0;
  /** How many connections there have been. */
  accepted = 0;
  readonly #backends = new Set<FakeBackend>();
  readonly #scripts = new Set<Script & { seen: number; done: number }>();
  readonly #server: Server;
  #port = 0;
  #pids = 1000;

  constructor({ authentication = "trust", password = "" }: FakeOptions) {
    this.authentication = authentication;
    this.password = password;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `postgres://fake:${this.password}@${this.host}:${this.#port}/fake`;
  }

  /** How many sessions it has. */
  get sessions(): number {
    return [...this.#backends].filter(({ isSession }) => isSession).length;
  }

  /** How many connections stand, those without a session too. */
  get connections(): number {
    return this.#backends.size;
  }

  /** Answers such SQL so. */
  answer(pattern: SqlPattern, reply: Reply): void {
    this.replies.set(pattern, reply);
  }

  /** Misbehaves from now on; answers what ends that. */
  misbehave(script: Script): () => void {
    const counted = { ...script, seen: 0, done: 0 };
    this.#scripts.add(counted);
    return () => this.#scripts.delete(counted);
  }

  /** Says something to every session that it was not asked. */
  tell(...parts: readonly Uint8Array[]): void {
    for (const backend of this.#backends) backend.send(...parts);
  }

  /** Ends every session, as an administrator does. */
  terminate(): void {
    for (const backend of this.#backends) {
      this.#act(backend, "FATAL then close");
    }
  }

  listen(): Promise<void> {
    return new Promise((resolve) =>
      this.#server.listen(0, this.host, () => {
        const address = this.#server.address();
        if (address !== null && typeof address === "object") {
          this.#port = address.port;
        }
        resolve();
      })
    );
  }

  intercept(backend: FakeBackend, name: string): boolean {
    for (const script of this.#scripts) {
      if (script.at !== name || ++script.seen < (script.nth ?? 1)) continue;
      if (script.done++ >= (script.times ?? Infinity)) continue;
      if (script.how === "nothing") continue;
      this.#act(backend, script.how);
      return true;
    }
    return false;
  }

  onStatement(sql: string): void {
    this.statements.push(sql);
  }

  cancel(pid: number, secret: number): void {
    this.cancels++;
    for (const backend of this.#backends) {
      if (backend.pid === pid && backend.secret === secret) backend.cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const { socket } of this.#backends) socket.destroy();
    await undefined;
  }

  #accept(socket: Socket): void {
    this.accepted++;
    socket.setNoDelay(true);
    const backend = new FakeBackend(socket, ++this.#pids, this);
    this.#backends.add(backend);
    socket.on("error", () => {});
    socket.on("close", () => this.#backends.delete(backend));
  }

  #act(backend: FakeBackend, how: Misbehaviour): void {
    const { socket } = backend;
    switch (how) {
      case "never answer":
        return backend.deafen();
      case "garbage":
        return backend.send(new TextEncoder().encode("220 mail ready\r\n"));
      case "close":
        return void socket.end();
      case "reset":
        return void socket.resetAndDestroy();
      case "wrong length":
        return backend.send(Uint8Array.of(0x43, 0, 0, 0, 2));
      case "long length":
        backend.deafen();
        return backend.send(Uint8Array.of(0x43, 0, 0, 1, 0, 0x53, 0x45));
      case "unexpected message":
        return backend.send(COPY_IN);
      case "unknown message":
        return backend.send(joined(message("?", "what")));
      case "FATAL then close":
        backend.send(FATAL);
        return void socket.end();
    }
  }
}
