import { Buffer } from "node:buffer";
import { connect } from "node:net";

import { ConnectError } from "../../src/pool_errors.ts";
import { nodeNet } from "../../src/transport/node_net.ts";
import type { Endpoint, TlsPlan } from "../../src/transport/transport.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { promise } from "./promise.ts";
import { connectOptions, PLAIN, Recorder } from "./recorder.ts";
import { answerTls, serveSockets, unusedEndpoint } from "./socket_server.ts";

promise("nodeNet rejects with kind refused where nobody listens", async () => {
  const endpoint = await unusedEndpoint();
  const error = await assertRejects(
    () => nodeNet.connect(endpoint, connectOptions()),
    ConnectError,
  );
  assertEquals(error.kind, "refused");
  assertEquals(
    error.message,
    `Cannot connect to 127.0.0.1:${endpoint.port}: the connection was refused (ECONNREFUSED)`,
  );
  assertInstanceOf(error.cause, Error);
});

promise(
  "nodeNet rejects with kind refused where there is no Unix socket",
  async () => {
    const path = "/nowhere/.s.PGSQL.5432";
    const error = await assertRejects(
      () =>
        nodeNet.connect(
          { host: "/nowhere", port: 5432, path },
          connectOptions(),
        ),
      ConnectError,
    );
    assertEquals(error.kind, "refused");
    assertEquals(
      error.message,
      `Cannot connect to ${path}: there is no such socket (ENOENT)`,
    );
  },
);

promise(
  "nodeNet rejects, rather than throws, when the port is no port",
  async () => {
    await assertRejects(
      () =>
        nodeNet.connect({ host: "127.0.0.1", port: 70_000 }, connectOptions()),
      ConnectError,
      "Cannot connect to 127.0.0.1:70000",
    );
  },
);

promise(
  "nodeNet hands a written Uint8Array on and tells when it was written",
  async () => {
    await using server = await serveSockets((raw) => raw.pipe(raw));
    const socket = await nodeNet.connect(server.endpoint, connectOptions());
    const recorder = Recorder.on(socket);
    const written = Promise.withResolvers<unknown>();
    socket.write(new TextEncoder().encode("hello"), written.resolve);
    assertEquals(await written.promise ?? null, null);
    await recorder.until(5);
    assertEquals(recorder.bytes.toString(), "hello");
    socket.destroy();
  },
);

interface Probed {
  readonly connected?: true;
  readonly kind?: string;
  readonly message?: string;
}

/** Connects in a process of its own, which has only `permissions`. */
async function probe(
  endpoint: Endpoint,
  permissions: readonly string[],
  tls: TlsPlan = PLAIN,
): Promise<Probed> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      ...permissions,
      new URL("connect_probe.ts", import.meta.url).href,
      JSON.stringify(endpoint),
      JSON.stringify(tls),
    ],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(4_000),
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return JSON.parse(new TextDecoder().decode(stdout));
}

promise(
  "nodeNet names the network permission that Deno was started without",
  async () => {
    const failures = await Promise.all([
      probe({ host: "127.0.0.1", port: 5432 }, []),
      probe({ host: "localhost", port: 5432 }, ["--allow-net=127.0.0.1:5432"]),
    ]);
    assertEquals(failures, [
      {
        kind: "permission",
        message:
          "Cannot connect to 127.0.0.1:5432: Deno needs --allow-net=127.0.0.1:5432",
      },
      {
        kind: "permission",
        message:
          "Cannot connect to localhost:5432: Deno needs --allow-net=localhost:5432",
      },
    ]);
  },
);

promise(
  "nodeNet names the permissions that a Unix socket needs, and they are enough",
  async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/.s.PGSQL.5432`;
    const endpoint = { host: folder, port: 5432, path };
    const flags = [
      `--allow-read=${path}`,
      `--allow-write=${path}`,
      `--allow-net=unix:${path}`,
    ];
    {
      await using _server = await serveSockets((raw) => raw.resume(), path);
      const outcomes = await Promise.all([
        probe(endpoint, flags.slice(1)),
        probe(endpoint, flags.slice(0, 1)),
        probe(endpoint, flags.slice(0, 2)),
        probe(endpoint, flags),
      ]);
      const refused: Probed = {
        kind: "permission",
        message: `Cannot connect to ${path}: Deno needs ${flags.join(" ")}`,
      };
      assertEquals(outcomes, [refused, refused, refused, { connected: true }]);
    }
    await Deno.remove(folder, { recursive: true });
  },
);

promise(
  "nodeNet lets a process end whose sockets are unref'd, under TLS too",
  async () => {
    const authority = await CertificateAuthority.create();
    const identity = await authority.issue();
    await using plain = await serveSockets((raw) => raw.resume());
    await using secured = await serveSockets(
      answerTls({ identity }, (stream) => stream.resume()),
    );
    const allowNet = ["--allow-net=127.0.0.1"];
    const tls: TlsPlan = {
      mode: "verify-full",
      negotiation: "postgres",
      options: { ca: authority.certPem },
    };
    const outcomes = await Promise.all([
      probe(plain.endpoint, allowNet),
      probe(secured.endpoint, allowNet, tls),
    ]);
    assertEquals(outcomes, [{ connected: true }, { connected: true }]);
  },
);

promise(
  "nodeNet rejects with the reason even when it is no Error",
  async () => {
    const aborter = new AbortController();
    const outcome = nodeNet
      .connect(await unusedEndpoint(), connectOptions(PLAIN, aborter.signal))
      .then(() => "connected", (reason) => reason);
    aborter.abort("enough");
    assertStrictEquals(await outcome, "enough");
  },
);

promise(
  "nodeNet reads a stream where a runtime cannot read into memory of ours",
  async () => {
    await using server = await serveSockets((raw) => raw.pipe(raw));
    await using _ = await withoutUserBuffer(server.endpoint);
    // Anew: it asks a runtime once.
    const { nodeNet } = await import(
      "../../src/transport/node_net.ts?without-user-buffer"
    );
    for (const text of ["first", "second"]) {
      const socket = await nodeNet.connect(server.endpoint, connectOptions());
      const recorder = Recorder.on(socket);
      socket.write(Buffer.from(text));
      await recorder.until(text.length);
      assertEquals(recorder.bytes.toString(), text);
      socket.destroy();
      await recorder.closed;
    }
  },
);

/** Makes the sockets of this runtime throw as those of Deno 2.5 to 2.7. */
async function withoutUserBuffer(endpoint: Endpoint): Promise<AsyncDisposable> {
  const probe = connect(endpoint.port, endpoint.host);
  await new Promise((resolve) => probe.once("connect", resolve));
  const { _handle: handle } = probe as unknown as { _handle: object };
  const prototype = Object.getPrototypeOf(handle);
  const closed = new Promise((resolve) => probe.once("close", resolve));
  probe.destroy();
  await closed;
  let asked = 0;
  prototype.useUserBuffer = () => {
    asked++;
    throw new Error("Not implemented: LibuvStreamWrap.prototype.useUserBuffer");
  };
  return {
    [Symbol.asyncDispose]() {
      delete prototype.useUserBuffer;
      assertEquals(asked, 1);
      return Promise.resolve();
    },
  };
}
