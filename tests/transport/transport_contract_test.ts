import { nodeNet } from "../../src/transport/node_net.ts";
import {
  fromSocketFactory,
  type WinterSocket,
} from "../../src/transport/web_socket_like.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { PLAIN } from "./recorder.ts";
import { answerTls, serveSockets } from "./socket_server.ts";
import { transportContract } from "./transport_contract.ts";

const authority = await CertificateAuthority.create();
const identity = await authority.issue();

transportContract({
  name: "nodeNet over TCP",
  transport: nodeNet,
  tls: PLAIN,
  listen: (serve) => serveSockets((raw) => serve(raw, raw)),
});

transportContract({
  name: "nodeNet over a Unix socket",
  transport: nodeNet,
  tls: PLAIN,
  async listen(serve) {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/.s.PGSQL.5432`;
    const server = await serveSockets((raw) => serve(raw, raw), path);
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await Deno.remove(folder, { recursive: true });
      },
    };
  },
});

transportContract({
  name: "nodeNet over TLS",
  transport: nodeNet,
  tls: {
    mode: "verify-full",
    negotiation: "postgres",
    options: { ca: authority.certPem },
  },
  listen: (serve) => serveSockets(answerTls({ identity }, serve)),
});

// A server speaks only after its answer was read, or it would be a protocol error.
const answered: (() => void)[] = [];

transportContract({
  name: "nodeNet, plain because the server has no TLS",
  transport: {
    async connect(endpoint, options) {
      const socket = await nodeNet.connect(endpoint, options);
      for (const serve of answered.splice(0)) serve();
      return socket;
    },
  },
  tls: { mode: "prefer", negotiation: "postgres", options: {} },
  listen: (serve) =>
    serveSockets((raw) =>
      raw.once("readable", () => {
        raw.read();
        answered.push(() => serve(raw, raw));
        raw.write("N");
      })
    ),
});

transportContract({
  name: "fromSocketFactory over Deno.connect",
  transport: fromSocketFactory(async ({ host, port }) =>
    winterSocket(
      await Deno.connect({ hostname: host, port }),
    )
  ),
  tls: PLAIN,
  listen: (serve) => serveSockets((raw) => serve(raw, raw)),
});

function winterSocket(connection: Deno.TcpConn): WinterSocket {
  const { readable, writable } = connection;
  return {
    readable,
    writable,
    closed: new Promise(() => {}),
    close: () => connection.close(),
  };
}
