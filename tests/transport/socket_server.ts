/**
 * A small server on loopback, to connect to: plain, TLS, or asked for TLS first.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";

import type { Endpoint } from "../../src/transport/transport.ts";
import type { Identity } from "../support/certificates.ts";

/** What is done with the socket of each one that connects. */
export type Serve = (stream: Socket, raw: Socket) => void;

/** A listening server; disposing it destroys what is still connected. */
export interface SocketServer extends AsyncDisposable {
  readonly endpoint: Endpoint;
  /** The connections that still stand. */
  readonly open: ReadonlySet<Socket>;
  /** How many connections there have been. */
  readonly accepted: number;
  /** Resolves once no connection stands. */
  untilEmpty(): Promise<void>;
}

/** Listens on 127.0.0.1, or on `path`. */
export async function serveSockets(
  serve: (raw: Socket) => void,
  path?: string,
): Promise<SocketServer> {
  const open = new Set<Socket>();
  const emptied = new EventTarget();
  let accepted = 0;
  const server = createServer((raw) => {
    accepted++;
    open.add(raw);
    raw.on("error", () => {});
    raw.on("close", () => {
      open.delete(raw);
      if (open.size === 0) emptied.dispatchEvent(new Event("empty"));
    });
    serve(raw);
  });
  await listen(server, path);
  const address = server.address();
  const port = address !== null && typeof address === "object"
    ? address.port
    : 5432;
  return {
    endpoint: { host: "127.0.0.1", port, ...(path !== undefined && { path }) },
    open,
    get accepted() {
      return accepted;
    },
    untilEmpty: () =>
      new Promise((resolve) => {
        if (open.size === 0) return resolve();
        emptied.addEventListener("empty", () => resolve(), { once: true });
      }),
    async [Symbol.asyncDispose]() {
      for (const raw of open) raw.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, path: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    if (path === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(path, resolve);
  });
}

/** What the answer to `SSLRequest` is, and what comes after it. */
export interface TlsAnswer {
  readonly identity: Identity;
  /** What is sent in answer to `SSLRequest`; "direct": TLS at once. */
  readonly answer?: string;
  readonly ALPNProtocols?: readonly string[];
}

/** Answers `SSLRequest` as PostgreSQL does, then speaks TLS. */
export function answerTls(
  { identity, answer = "S", ALPNProtocols }: TlsAnswer,
  serve: Serve,
): (raw: Socket) => void {
  function upgrade(raw: Socket): void {
    const stream = new TLSSocket(raw, {
      isServer: true,
      cert: identity.certPem,
      key: identity.keyPem,
      ...(ALPNProtocols && { ALPNProtocols: [...ALPNProtocols] }),
    });
    stream.on("error", () => {});
    serve(stream, raw);
  }
  return (raw) => {
    if (answer === "direct") return upgrade(raw);
    raw.once("data", () => {
      raw.write(answer);
      upgrade(raw);
    });
  };
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function unusedEndpoint(): Promise<Endpoint> {
  await using server = await serveSockets(() => {});
  return server.endpoint;
}
