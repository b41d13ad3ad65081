import { Buffer } from "node:buffer";
import type { TLSSocket } from "node:tls";

import { ConnectError, type ConnectErrorKind } from "../../src/pool_errors.ts";
import { nodeNet } from "../../src/transport/node_net.ts";
import type {
  Endpoint,
  TlsMode,
  TlsPlan,
} from "../../src/transport/transport.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { promise } from "./promise.ts";
import { connectOptions, Recorder } from "./recorder.ts";
import {
  answerTls,
  serveSockets,
  type SocketServer,
  type TlsAnswer,
} from "./socket_server.ts";

const authority = await CertificateAuthority.create("Our authority");
const stranger = await CertificateAuthority.create("Another authority");
const identities = {
  good: await authority.issue(),
  elsewhere: await authority.issue({ hosts: ["db.example.org"] }),
  expired: await authority.issue({ expires: new Date(Date.now() - 60_000) }),
};
const ca = authority.certPem;

/** A TLS server that echoes, with one of the identities. */
function serveTls(
  who: keyof typeof identities,
  answer: Partial<TlsAnswer> = {},
  seen?: (stream: TLSSocket) => void,
): Promise<SocketServer> {
  return serveSockets(
    answerTls({ identity: identities[who], ...answer }, (stream) => {
      stream.on("data", (bytes) => {
        seen?.(stream as TLSSocket);
        stream.write(bytes);
      });
    }),
  );
}

function plan(
  mode: TlsMode,
  options: Record<string, unknown> = {},
  negotiation: TlsPlan["negotiation"] = "postgres",
): TlsPlan {
  return { mode, options, negotiation };
}

/** Connects and sees whether bytes come back. */
async function echo(endpoint: Endpoint, tls: TlsPlan): Promise<string> {
  const socket = await nodeNet.connect(endpoint, connectOptions(tls));
  const recorder = Recorder.on(socket);
  socket.write(Buffer.from("ping"));
  await recorder.until(4);
  socket.destroy();
  return recorder.bytes.toString();
}

async function refusal(
  server: SocketServer,
  tls: TlsPlan,
): Promise<ConnectError> {
  const error = await assertRejects(
    () => nodeNet.connect(server.endpoint, connectOptions(tls)),
    ConnectError,
  );
  await server.untilEmpty(); // a failed connect leaves no socket
  return error;
}

const ACCEPTED: readonly [string, keyof typeof identities, TlsPlan][] = [
  ["prefer takes any certificate", "expired", plan("prefer")],
  ["require takes one of an unknown authority", "good", plan("require")],
  ["require takes an expired one", "expired", plan("require")],
  [
    "require with ca does not ask for the host",
    "elsewhere",
    plan("require", { ca }),
  ],
  [
    "verify-ca does not ask for the host",
    "elsewhere",
    plan("verify-ca", { ca }),
  ],
  ["verify-full takes what is right", "good", plan("verify-full", { ca })],
  [
    "verify-full goes by servername when given",
    "elsewhere",
    plan("verify-full", { ca, servername: "db.example.org" }),
  ],
  [
    "verify-full takes ca as a list of bytes",
    "good",
    plan("verify-full", { ca: [Buffer.from(ca)] }),
  ],
];

for (const [name, who, tls] of ACCEPTED) {
  promise(`sslmode ${name}`, async () => {
    let isEncrypted = false;
    await using server = await serveTls(who, {}, () => isEncrypted = true);
    assertEquals(await echo(server.endpoint, tls), "ping");
    assert(isEncrypted);
  });
}

const UNTRUSTED = /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN/;
const EXPIRED = /UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_HAS_EXPIRED/;
const OTHER_HOST = /ERR_TLS_CERT_ALTNAME_INVALID/;
const otherCa = { ca: stranger.certPem };

const REFUSED: readonly [string, keyof typeof identities, TlsPlan, RegExp][] = [
  [
    "require with ca refuses another authority",
    "good",
    plan("require", otherCa),
    UNTRUSTED,
  ],
  [
    "require with rejectUnauthorized refuses an unknown authority",
    "good",
    plan("require", { rejectUnauthorized: true }),
    UNTRUSTED,
  ],
  [
    "prefer with ca stays refused, never plain",
    "good",
    plan("prefer", otherCa),
    UNTRUSTED,
  ],
  [
    "verify-ca refuses another authority",
    "good",
    plan("verify-ca", otherCa),
    UNTRUSTED,
  ],
  [
    "verify-ca refuses what the runtime does not trust",
    "good",
    plan("verify-ca"),
    UNTRUSTED,
  ],
  [
    "verify-ca refuses an expired one",
    "expired",
    plan("verify-ca", { ca }),
    EXPIRED,
  ],
  [
    "verify-full refuses another host",
    "elsewhere",
    plan("verify-full", { ca }),
    OTHER_HOST,
  ],
  [
    "verify-full refuses an expired one",
    "expired",
    plan("verify-full", { ca }),
    EXPIRED,
  ],
  [
    "verify-full is not weakened by rejectUnauthorized: false",
    "elsewhere",
    plan("verify-full", { ca, rejectUnauthorized: false }),
    OTHER_HOST,
  ],
];

for (const [name, who, tls, code] of REFUSED) {
  promise(`sslmode ${name}`, async () => {
    await using server = await serveTls(who);
    const error = await refusal(server, tls);
    assertEquals(error.kind, "tls");
    assertMatch(
      error.message,
      /^Cannot connect to 127\.0\.0\.1:\d+: the TLS handshake failed: /,
    );
    assertMatch(error.message, code);
    assert(error.cause instanceof Error);
  });
}

promise(
  "a servername that TLS forbids rejects as a tls failure, rather than throws",
  async () => {
    await using server = await serveTls("good");
    const error = await refusal(
      server,
      plan("require", { servername: "127.0.0.1" }),
    );
    assertEquals(error.kind, "tls");
  },
);

promise(
  "the server name goes out for a host name, and not for an address",
  async () => {
    const names: unknown[] = [];
    await using server = await serveTls(
      "good",
      {},
      (stream) =>
        names.push((stream as { servername?: unknown }).servername || "none"),
    );
    const { port } = server.endpoint;
    await echo({ host: "localhost", port }, plan("verify-full", { ca }));
    await echo({ host: "127.0.0.1", port }, plan("verify-full", { ca }));
    assertEquals(names, ["localhost", "none"]);
  },
);

/** A server that answers `SSLRequest` with `answer`, then remembers what it gets. */
async function servePlain(
  answer: string,
): Promise<{ server: SocketServer; received: () => string }> {
  const chunks: Uint8Array[] = [];
  const server = await serveSockets((raw) => {
    raw.on("data", (bytes) => {
      chunks.push(bytes);
      if (chunks.length > 1) raw.write(bytes);
      else if (answer === "") raw.end();
      else raw.write(answer);
    });
  });
  return { server, received: () => Buffer.concat(chunks).toString("hex") };
}

const SSL_REQUEST = "0000000804d2162f";

for (const mode of ["require", "verify-ca", "verify-full"] as const) {
  promise(
    `sslmode ${mode} refuses a server without TLS and sends nothing in the clear`,
    async () => {
      const { server, received } = await servePlain("N");
      await using _ = server;
      const error = await refusal(server, plan(mode));
      assertEquals(error.kind, "tls");
      assertEquals(
        error.message,
        `Cannot connect to 127.0.0.1:${server.endpoint.port}: the server does not offer TLS`,
      );
      assertEquals(received(), SSL_REQUEST);
    },
  );
}

promise("sslmode prefer stays plain when the server has no TLS", async () => {
  const { server, received } = await servePlain("N");
  await using _ = server;
  assertEquals(await echo(server.endpoint, plan("prefer")), "ping");
  assertEquals(received(), SSL_REQUEST + Buffer.from("ping").toString("hex"));
});

promise("sslmode disable asks for nothing", async () => {
  await using server = await serveSockets((raw) => raw.pipe(raw));
  assertEquals(await echo(server.endpoint, plan("disable")), "ping");
});

const ANSWERS: readonly [string, string, ConnectErrorKind, string][] = [
  ["an error", "E", "refused", "the server answered SSLRequest with an error"],
  [
    "something else",
    "H",
    "protocol",
    "the server answered SSLRequest with byte 72, it does not speak the PostgreSQL protocol",
  ],
  [
    "S and more bytes",
    "Sevil",
    "protocol",
    "the server sent 5 bytes in answer to SSLRequest, expected 1",
  ],
  [
    "N and more bytes",
    "Nevil",
    "protocol",
    "the server sent 5 bytes in answer to SSLRequest, expected 1",
  ],
  ["its end", "", "refused", "the server closed the connection (EOF)"],
];

for (const [what, answer, kind, fact] of ANSWERS) {
  for (const mode of ["prefer", "verify-full"] as const) {
    promise(
      `sslmode ${mode} refuses a server that answers SSLRequest with ${what}`,
      async () => {
        const { server, received } = await servePlain(answer);
        await using _ = server;
        const error = await refusal(server, plan(mode));
        assertEquals([error.kind, error.message], [
          kind,
          `Cannot connect to 127.0.0.1:${server.endpoint.port}: ${fact}`,
        ]);
        assertEquals(received(), SSL_REQUEST);
      },
    );
  }
}

promise(
  "direct negotiation starts TLS at once and agrees on the protocol",
  async () => {
    const protocols: unknown[] = [];
    const answer = { answer: "direct", ALPNProtocols: ["postgresql"] };
    await using server = await serveTls(
      "good",
      answer,
      (stream) => protocols.push(stream.alpnProtocol),
    );
    const tls = plan("verify-full", { ca }, "direct");
    assertEquals(await echo(server.endpoint, tls), "ping");
    assertEquals(protocols, ["postgresql"]);
  },
);

promise(
  "direct negotiation refuses a server that does not agree on the protocol",
  async () => {
    await using server = await serveTls("good", { answer: "direct" });
    const error = await refusal(server, plan("require", {}, "direct"));
    assertEquals(error.kind, "tls");
    assertMatch(error.message, /the server did not agree to ALPN postgresql$/);
  },
);

promise(
  "direct negotiation says what it needs when the server hangs up",
  async () => {
    await using server = await serveSockets((raw) =>
      raw.once("data", () => raw.end())
    );
    const error = await refusal(server, plan("require", {}, "direct"));
    assertEquals(error.kind, "refused");
    assertMatch(error.message, /direct TLS needs PostgreSQL 17$/);
  },
);

promise("direct negotiation is not for prefer, which asks first", async () => {
  const { server } = await servePlain("N");
  await using _ = server;
  assertEquals(
    await echo(server.endpoint, plan("prefer", {}, "direct")),
    "ping",
  );
});

for (const [phase, answer] of [["SSLRequest", ""], ["the handshake", "S"]]) {
  promise(
    `an abort during ${phase} rejects with its reason and leaves no socket`,
    async () => {
      const asked = Promise.withResolvers<void>();
      await using server = await serveSockets((raw) => {
        let chunks = 0;
        raw.on("data", () => {
          if (answer) raw.write(answer);
          if (++chunks > (answer ? 1 : 0)) asked.resolve();
        });
      });
      const aborter = new AbortController();
      const outcome = nodeNet
        .connect(
          server.endpoint,
          connectOptions(plan("require"), aborter.signal),
        )
        .catch((reason) => reason);
      await asked.promise;
      const reason = new Error("too slow");
      aborter.abort(reason);
      assertStrictEquals(await outcome, reason);
      await server.untilEmpty();
    },
  );
}

promise("TLS is left out on a Unix socket, as in libpq", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/.s.PGSQL.5432`;
  {
    await using server = await serveSockets((raw) => raw.pipe(raw), path);
    const endpoint = { ...server.endpoint, host: folder };
    assertEquals(await echo(endpoint, plan("verify-full", { ca })), "ping");
  }
  await Deno.remove(folder, { recursive: true });
});
