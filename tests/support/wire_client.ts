/** The client's side of the protocol, message by message, to ask servers what they say. */
import { connect, type Socket } from "node:net";
import { int32, joined, message } from "../driver/server_bytes.ts";
import { eventually } from "./eventually.ts";
import { MessageFramer } from "./message_framer.ts";

/** What a server said. */
export interface Said {
  readonly letter: string;
  readonly body: Uint8Array;
}

/** Where to connect, and as whom. */
export interface WirePlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly applicationName?: string;
}

/** A session, by hand. */
export class WireClient implements AsyncDisposable {
  readonly #place: WirePlace;
  readonly #socket: Socket;
  readonly #framer = new MessageFramer("down");
  readonly #said: Said[] = [];
  #parts: Uint8Array[] = [];
  #isClosed = false;
  /** The pid and secret, as a cancel request shows them. */
  key: Uint8Array = new Uint8Array(8);

  private constructor(place: WirePlace) {
    this.#place = place;
    this.#socket = connect(place.port, place.host);
    this.#socket.setNoDelay(true);
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#isClosed = true);
    this.#socket.on("data", (bytes: Uint8Array) => this.#receive(bytes));
  }

  /** Begins a session; what the server says to that is still to be read. */
  static begin(place: WirePlace): WireClient {
    const client = new WireClient(place);
    const words = {
      user: place.user,
      database: place.database,
      application_name: place.applicationName ?? "",
    };
    const text = Object.entries(words).flat().map((word) => `${word}\0`);
    const body = [...int32(196608), ...bytesOf(text.join("") + "\0")];
    client.send(Uint8Array.from([...int32(body.length + 4), ...body]));
    return client;
  }

  send(...messages: readonly Uint8Array[]): void {
    this.#socket.write(joined(...messages));
  }

  /** Sends, and answers what came up to and with `ReadyForQuery`. */
  async ask(...messages: readonly Uint8Array[]): Promise<Said[]> {
    this.send(...messages);
    return await this.untilReady();
  }

  async untilReady(): Promise<Said[]> {
    await eventually(
      "the server is ready",
      () => this.#said.some(({ letter }) => letter === "Z"),
    );
    const end = this.#said.findIndex(({ letter }) => letter === "Z");
    return this.#said.splice(0, end + 1);
  }

  /** Sends a cancel request for this session, and waits until the server hung up. */
  async cancel(): Promise<void> {
    const other = new WireClient(this.#place);
    const body = [...int32(80877102), ...this.key];
    other.send(Uint8Array.from([...int32(body.length + 4), ...body]));
    await other.untilClosed();
  }

  untilClosed(): Promise<void> {
    return eventually("the server hangs up", () => this.#isClosed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.send(message("X"));
    await this.untilClosed();
  }

  #receive(bytes: Uint8Array): void {
    for (const segment of this.#framer.split(bytes)) {
      this.#parts.push(segment.bytes);
      if (!segment.isEnd) continue;
      const body = joined(...this.#parts.splice(0)).subarray(5);
      if (segment.message === "K") this.key = body;
      this.#said.push({ letter: segment.message, body });
    }
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
