/** One session of a fake server. */
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import {
  authentication,
  backendKeyData,
  errorResponse,
  joined,
  message,
  parameterStatus,
  readyForQuery,
} from "../driver/server_bytes.ts";
import {
  describeParameters,
  describeRows,
  type FakeReplies,
  type Reply,
  runReply,
  splitStatements,
  type Value,
} from "./fake_replies.ts";
import { readParameters, strings } from "./client_bytes.ts";
import { MessageFramer } from "./message_framer.ts";

/** How a server lets one in. */
export type FakeAuthentication = "trust" | "cleartext" | "md5";

/** What a session asks its server. */
export interface BackendServer {
  readonly replies: FakeReplies;
  readonly authentication: FakeAuthentication;
  readonly password: string;
  /** A message is here; `true` when it was dealt with. */
  intercept(backend: FakeBackend, name: string): boolean;
  onStatement(sql: string): void;
  cancel(pid: number, secret: number): void;
}

interface Message {
  readonly name: string;
  readonly body: Uint8Array;
}

interface Portal {
  readonly reply: Reply;
  readonly sql: string;
  readonly parameters: readonly Value[];
}

const SALT = "salt";

/** Speaks the server's side of the protocol on one socket. */
export class FakeBackend {
  readonly pid: number;
  readonly secret: number;
  readonly socket: Socket;
  /** What the client said of itself. */
  readonly parameters = new Map<string, string>();
  /** Greeted, and not gone. */
  isSession = false;
  status: "I" | "T" | "E" = "I";
  readonly #server: BackendServer;
  readonly #framer = new MessageFramer("up");
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, Portal>();
  #parts: Uint8Array[] = [];
  #waiting: Message[] = [];
  #onCancel: (() => void) | undefined;
  #isDeaf = false;
  /** An error came in the extended protocol: all is passed over up to a Sync. */
  #isSkipping = false;

  constructor(socket: Socket, pid: number, server: BackendServer) {
    this.socket = socket;
    this.pid = pid;
    this.secret = pid * 31;
    this.#server = server;
    socket.on("data", (bytes: Uint8Array) => this.#receive(bytes));
  }

  send(...parts: readonly Uint8Array[]): void {
    if (this.socket.writable) this.socket.write(joined(...parts));
  }

  /** Reads nothing any more, and says nothing. */
  deafen(): void {
    this.#isDeaf = true;
  }

  /** Ends what waits, if something does. */
  cancel(): void {
    const onCancel = this.#onCancel;
    this.#onCancel = undefined;
    onCancel?.();
  }

  #receive(bytes: Uint8Array): void {
    for (const segment of this.#framer.split(bytes)) {
      this.#parts.push(segment.bytes);
      if (!segment.isEnd) continue;
      const whole = joined(...this.#parts.splice(0));
      const isNamed = segment.message.length === 1;
      const body = whole.subarray(isNamed ? 5 : 4);
      this.#waiting.push({ name: segment.message, body });
    }
    this.#work();
  }

  #work(): void {
    while (this.#onCancel === undefined && !this.#isDeaf) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (this.#server.intercept(this, next.name)) continue;
      this.#handle(next);
    }
  }

  #handle({ name, body }: Message): void {
    if (this.#isSkipping && name !== "S" && name !== "X") return;
    switch (name) {
      case "ssl":
      case "gss":
        return void this.socket.write("N");
      case "cancel":
        return this.#requestCancel(body);
      case "startup":
        return this.#startUp(body);
      case "p":
        return this.#checkPassword(strings(body)[0] ?? "");
      case "Q":
        return this.#query(strings(body)[0] ?? "");
      case "P":
        return this.#parse(body);
      case "D":
        return this.#describe(body);
      case "B":
        return this.#bind(body);
      case "E":
        return this.#execute(body);
      case "C":
        return this.send(message("3"));
      case "S":
        this.#isSkipping = false;
        return this.#ready();
      case "X":
        return void this.socket.end();
    }
  }

  #requestCancel(body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset);
    this.#server.cancel(view.getInt32(4), view.getInt32(8));
    this.socket.end();
  }

  #startUp(body: Uint8Array): void {
    const words = strings(body.subarray(4));
    for (let at = 0; at + 1 < words.length; at += 2) {
      this.parameters.set(words[at]!, words[at + 1]!);
    }
    const { authentication: method } = this.#server;
    if (method === "trust") this.#greet();
    else if (method === "cleartext") this.send(authentication(3));
    else this.send(authentication(5, SALT));
  }

  #checkPassword(given: string): void {
    const { authentication: method, password } = this.#server;
    const user = this.parameters.get("user") ?? "";
    const wanted = method === "md5"
      ? "md5" + md5(md5(password + user) + SALT)
      : password;
    if (given === wanted) return this.#greet();
    this.send(
      errorResponse("FATAL", "28P01", "password authentication failed"),
    );
    this.socket.end();
  }

  #greet(): void {
    this.isSession = true;
    this.send(
      authentication(0),
      parameterStatus("server_version", "18.0"),
      parameterStatus("client_encoding", "UTF8"),
      parameterStatus("in_hot_standby", "off"),
      parameterStatus("default_transaction_read_only", "off"),
      backendKeyData(this.pid, this.secret),
      readyForQuery(),
    );
  }

  #query(sql: string): void {
    const statements = splitStatements(sql);
    if (statements.length === 0) this.send(message("I"));
    this.#next(statements);
  }

  #next(statements: readonly string[]): void {
    const [sql, ...rest] = statements;
    if (sql === undefined) return this.#ready();
    const reply = this.#find(sql);
    if (reply.columns !== undefined) this.send(describeRows(reply));
    this.#run(
      sql,
      reply,
      [],
      (isOk) => isOk ? this.#next(rest) : this.#ready(),
    );
  }

  #parse(body: Uint8Array): void {
    const [name = "", sql = ""] = strings(body);
    this.#statements.set(name, sql);
    this.send(message("1"));
  }

  #describe(body: Uint8Array): void {
    const name = strings(body.subarray(1))[0] ?? "";
    const isStatement = body[0] === 0x53;
    const reply = isStatement
      ? this.#find(this.#statements.get(name) ?? "")
      : this.#portals.get(name)?.reply ?? {};
    if (isStatement) this.send(describeParameters(reply));
    this.send(describeRows(reply));
  }

  #bind(body: Uint8Array): void {
    const [portal = "", statement = ""] = strings(body);
    const sql = this.#statements.get(statement) ?? "";
    const parameters = readParameters(
      body,
      portal.length + statement.length + 2,
    );
    this.#portals.set(portal, { reply: this.#find(sql), sql, parameters });
    this.send(message("2"));
  }

  #execute(body: Uint8Array): void {
    const portal = this.#portals.get(strings(body)[0] ?? "");
    if (portal === undefined) return;
    const { sql, reply, parameters } = portal;
    if (sql.trim() === "") return this.send(message("I"));
    this.#run(sql, reply, parameters, (isOk) => {
      this.#isSkipping = !isOk;
    });
  }

  #run(
    sql: string,
    reply: Reply,
    parameters: readonly Value[],
    then: (isOk: boolean) => void,
  ): void {
    this.#server.onStatement(sql);
    const finish = (answer: Reply) => {
      this.send(runReply(answer, parameters));
      this.#follow(answer);
      if (answer.error?.severity === "FATAL") return void this.socket.end();
      then(answer.error === undefined);
    };
    if (reply.waits !== true) return finish(reply);
    this.#onCancel = () => {
      const text = "canceling statement due to user request";
      finish({ error: { code: "57014", text } });
      this.#work();
    };
  }

  #find(sql: string): Reply {
    const reply = this.#server.replies.find(sql);
    const isEnd = /^(COMMIT|ROLLBACK)/.test(reply.tag ?? "");
    if (this.status !== "E" || isEnd) return reply;
    const text = "current transaction is aborted";
    return { error: { code: "25P02", text } };
  }

  #follow({ tag, error }: Reply): void {
    if (error !== undefined) this.status = this.status === "I" ? "I" : "E";
    else if (tag === "BEGIN" || tag === "ROLLBACK TO") this.status = "T";
    else if (tag === "COMMIT" || tag === "ROLLBACK") this.status = "I";
  }

  #ready(): void {
    this.send(readyForQuery(this.status));
  }
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
