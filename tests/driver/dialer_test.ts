import { Buffer } from "node:buffer";

import { ConnectError } from "../../src/pool_errors.ts";
import type { SessionRequirement } from "../../src/transport/hosts.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "../support/assert.ts";
import { sharedPostgres, startPostgres } from "../support/postgres_server.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";
import { serveSockets, unusedEndpoint } from "../transport/socket_server.ts";
import { Dialled, type DialSettings, plain } from "./dialled.ts";
import { until } from "./fake_transport.ts";
import { authentication, errorResponse, greeting } from "./server_bytes.ts";
import { SpyTransport } from "./spy_transport.ts";

const server = await sharedPostgres();

/** A peer that plays a server; it sees when the other side has gone. */
function servePeer(serve: Parameters<typeof serveSockets>[0]) {
  return serveSockets((raw) => {
    serve(raw);
    raw.resume();
  });
}

async function failure(
  settings: DialSettings,
  where: { readonly host: string; readonly port: number } = server,
): Promise<ConnectError> {
  const error = await new Dialled(where, settings).fail();
  assertInstanceOf(error, ConnectError);
  return error;
}

Deno.test("dial() opens a connection that runs statements", async () => {
  await using opened = await new Dialled(server).open();
  const [row] = await opened.sql`select pg_backend_pid() as pid`;
  assertEquals(row!.pid, opened.connection.pid);
});

Deno.test("the array types are looked up once, and a dial that knows them takes two round trips less", async () => {
  const transport = new SpyTransport();
  const dialled = new Dialled(server, { transport });
  await using _first = await dialled.open();
  await using second = await dialled.open();
  const asked = transport.sockets.map(({ sent }) => sent.includes("pg_type"));
  assertEquals(asked, [true, false]);
  const [slow, fast] = transport.sockets.map(({ roundTrips }) => roundTrips);
  assertEquals(slow, 2);
  assertEquals(fast, 1);
  assertEquals(
    plain(await second.sql`select '{1,2}'::int8[] as many`),
    [{ many: ["1", "2"] }],
  );
});

Deno.test("dials at the same time look the array types up once", async () => {
  const transport = new SpyTransport();
  const dialled = new Dialled(server, { transport });
  const all = await Promise.all([1, 2, 3].map(() => dialled.open()));
  const asked = transport.sockets.filter(({ sent }) =>
    sent.includes("pg_type")
  );
  assertEquals(asked.length, 1);
  for (const { sql } of all) {
    const [row] = await sql`select '{1,2}'::int[] as many`;
    assertEquals(row!.many, [1, 2]);
  }
  await Promise.all(all.map(({ connection }) => connection.close()));
});

Deno.test("array types that nobody wants are not looked up", async () => {
  const transport = new SpyTransport();
  const dialled = new Dialled(server, { transport, fetchTypes: false });
  await using opened = await dialled.open();
  assertEquals(transport.sockets[0]!.sent.includes("pg_type"), false);
  const [row] = await opened.sql`select '{1,2}'::int[] as many`;
  assertEquals(row!.many, "{1,2}");
});

Deno.test("a server that does not begin a session holds up no dial that has one, and the types are looked up", async () => {
  const transport = new SpyTransport();
  const dialled = new Dialled(server, { transport });
  transport.onData = (bytes, socket) =>
    socket === transport.sockets[0] ? undefined : bytes;
  const abort = new AbortController();
  const silent = dialled.fail(abort.signal);
  await until(() => transport.sockets.length === 1, "first dial");
  const others = await Promise.all([1, 2].map(() => dialled.open()));
  for (const { sql } of others) {
    const [row] = await sql`select '{1,2}'::int[] as many`;
    assertEquals(row!.many, [1, 2]);
  }
  abort.abort(new Error("Enough"));
  assertEquals((await silent as Error).message, "Enough");
  await Promise.all(others.map(({ connection }) => connection.close()));
});

Deno.test("a look-up of array types that fails rejects its dial, and the next one looks again", async () => {
  const transport = new SpyTransport();
  const dialled = new Dialled(server, { transport });
  transport.onData = (bytes, { sent }) =>
    sent.includes("pg_type")
      ? Buffer.from(errorResponse("ERROR", "57014", "statement timeout"))
      : bytes;
  const error = await dialled.fail();
  assertInstanceOf(error, ConnectError);
  assertEquals([error.kind, error.sqlState], ["starting", "57014"]);
  transport.onData = (bytes) => bytes;
  await using opened = await dialled.open();
  const [row] = await opened.sql`select '{1,2}'::int[] as many`;
  assertEquals(row!.many, [1, 2]);
});

Deno.test("a dial sees no error of another dial that was to look the array types up", async () => {
  const transport = new SpyTransport();
  const dialled = new Dialled(server, { transport });
  const abort = new AbortController();
  transport.onData = (bytes, socket) =>
    socket === transport.sockets[0] && socket.sent.includes("pg_type")
      ? undefined
      : bytes;
  const first = dialled.fail(abort.signal);
  await until(
    () => transport.sockets[0]?.sent.includes("pg_type") === true,
    "look-up",
  );
  const second = dialled.open();
  await until(() => transport.sockets.length === 2, "second dial");
  abort.abort(new Error("Enough"));
  assertEquals((await first as Error).message, "Enough");
  await using opened = await second;
  const [row] = await opened.sql`select '{1,2}'::int[] as many`;
  assertEquals(row!.many, [1, 2]);
});

Deno.test("a connection that dies while another looks the array types up is no answer to a dial", async () => {
  const transport = new SpyTransport();
  const dialled = new Dialled(server, { transport });
  const held: Uint8Array[] = [];
  transport.onData = (bytes, socket) => {
    const isLookUp = socket.sent.includes("pg_type");
    if (isLookUp) held.push(bytes);
    return isLookUp ? undefined : bytes;
  };
  const first = dialled.open();
  await until(() => held.length > 0, "answer to the look-up");
  const second = dialled.fail();
  await until(() => transport.sockets[1]?.roundTrips === 1, "second dial");
  // Its greeting is there a moment later; then it is ready, and waits.
  await new Promise((resolve) => setTimeout(resolve, 50));
  transport.sockets[1]!.destroy();
  await new Promise((resolve) => setTimeout(resolve, 5));
  transport.onData = (bytes) => bytes;
  for (const bytes of held) transport.sockets[0]!.deliver(bytes);
  const error = await second;
  assertInstanceOf(error, ConnectError);
  assertEquals(error.kind, "refused");
  await using _opened = await first;
});

Deno.test("an unknown database is for auth, with the server's code", async () => {
  const { kind, sqlState } = await failure({ database: "nowhere" });
  assertEquals([kind, sqlState], ["auth", "3D000"]);
});

Deno.test("an unknown role is for auth, with the server's code", async () => {
  const { kind, sqlState } = await failure({ username: "nobody_here" });
  assertEquals([kind, sqlState], ["auth", "28000"]);
});

Deno.test("passwords: right, wrong, empty and by function, in every method", async (test) => {
  await using own = await startPostgres({
    hba: [
      "host all cleartext 127.0.0.1/32 password",
      "host all md5 127.0.0.1/32 md5",
      "host all scram 127.0.0.1/32 scram-sha-256",
      "host all all 127.0.0.1/32 trust",
    ],
  });
  {
    await using admin = await new Dialled(own).open();
    await admin.connection.command(`
      set password_encryption = 'md5';
      create role md5 login password 'secret';
      set password_encryption = 'scram-sha-256';
      create role scram login password 'secret';
      create role cleartext login password 'secret'`);
  }
  for (const username of ["cleartext", "md5", "scram"]) {
    await test.step(`${username}: the right password`, async () => {
      const dialled = new Dialled(own, { username, password: "secret" });
      await using opened = await dialled.open();
      assertEquals(plain(await opened.sql`select current_user::text as me`), [
        { me: username },
      ]);
    });
    for (const password of ["wrong", ""]) {
      await test.step(`${username}: the password "${password}"`, async () => {
        const error = await failure({ username, password }, own);
        assertEquals([error.kind, error.sqlState], ["auth", "28P01"]);
        assertEquals(error.message.includes("wrong"), false);
      });
    }
  }
  await test.step("a function is asked for each dial", async () => {
    const passwords = ["secret", "wrong", "secret"];
    const dialled = new Dialled(own, {
      username: "scram",
      password: () => Promise.resolve(passwords.shift()!),
    });
    await using _first = await dialled.open();
    assertInstanceOf(await dialled.fail(), ConnectError);
    await using _third = await dialled.open();
    assertEquals(passwords, []);
  });
});

Deno.test("a password function that fails is for auth, with its error as the cause", async () => {
  const cause = new Error("vault is sealed");
  const transport = new SpyTransport();
  for (
    const password of [() => Promise.reject(cause), () => {
      throw cause;
    }]
  ) {
    const error = await failure({ password, transport });
    assertEquals(error.kind, "auth");
    assertStrictEquals(error.cause, cause);
  }
  assertEquals(transport.sockets.length, 0);
});

Deno.test("a password function that answers no string is for auth", async () => {
  const password = () => undefined as unknown as string;
  const { kind, message } = await failure({ password });
  assertEquals(kind, "auth");
  assertEquals(message.includes("answered undefined, not a string"), true);
});

Deno.test("a password function that hangs ends with the dial", async () => {
  const dialled = new Dialled(server, {
    password: () => new Promise(() => {}),
  });
  const abort = new AbortController();
  const failed = dialled.fail(abort.signal);
  abort.abort(new Error("Enough"));
  assertEquals((await failed as Error).message, "Enough");
});

Deno.test("a server without TLS that must have it is for tls", async () => {
  const { kind } = await failure({
    tls: { mode: "require", negotiation: "postgres", options: {} },
  });
  assertEquals(kind, "tls");
});

Deno.test("a port that nobody listens on is refused", async () => {
  const { kind } = await failure({}, await unusedEndpoint());
  assertEquals(kind, "refused");
});

for (const garbage of ["HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail\r\n"]) {
  Deno.test(`a peer that says ${garbage.trim()} is for protocol`, async () => {
    await using peer = await servePeer((raw) => void raw.write(garbage));
    const { kind } = await failure({}, peer.endpoint);
    assertEquals(kind, "protocol");
    await peer.untilEmpty();
  });
}

Deno.test("a peer whose messages are cut short is for protocol, and ends no process", async () => {
  for (
    const bytes of [
      Uint8Array.of(0x52, 0, 0, 0, 4),
      authentication(11, "no challenge"),
      greeting().slice(0, 20).fill(0xff, 10),
    ]
  ) {
    await using peer = await servePeer((raw) => void raw.write(bytes));
    const { kind } = await failure({}, peer.endpoint);
    assertEquals(kind, "protocol");
  }
});

Deno.test("a peer that does not know the password it should is for protocol", async () => {
  // It cannot prove that it knows the password: any other would do for it.
  await using peer = await servePeer((raw) => {
    const answers = [
      authentication(10, "SCRAM-SHA-256\0\0"),
      undefined,
      authentication(12, "v=AAAA"),
    ];
    raw.on("data", (bytes) => {
      const nonce = /r=([^,]+)/.exec(bytes.toString("latin1"))?.[1];
      const answer = answers.shift() ??
        authentication(11, `r=${nonce}more,s=c2FsdHNhbHQ=,i=4096`);
      raw.write(answer);
    });
  });
  const error = await failure({ password: "secret" }, peer.endpoint);
  assertEquals(error.kind, "protocol");
  assertEquals(error.message.includes("SASL_SIGNATURE_MISMATCH"), true);
  await peer.untilEmpty();
});

Deno.test("a peer that closes during start-up is refused, once", async () => {
  for (const bytes of [new Uint8Array(), greeting().slice(0, 30)]) {
    await using peer = await servePeer((raw) => {
      raw.once("data", () => raw.end(bytes));
    });
    const { kind } = await failure({}, peer.endpoint);
    assertEquals(kind, "refused");
    await peer.untilEmpty();
    assertEquals(peer.accepted, 1);
  }
});

Deno.test("a peer that closes during the look-up of array types is refused", async () => {
  await using peer = await servePeer((raw) => {
    raw.once("data", () => {
      raw.write(greeting());
      raw.once("data", () => raw.destroy());
    });
  });
  const { kind } = await failure({}, peer.endpoint);
  assertEquals(kind, "refused");
  assertEquals(peer.accepted, 1);
});

Deno.test("a dial that is given up rejects with the reason, and leaves nothing", async () => {
  await using peer = await servePeer(() => {});
  const abort = new AbortController();
  const failed = new Dialled(peer.endpoint).fail(abort.signal);
  await until(() => peer.open.size === 1, "connection");
  const reason = new Error("Enough");
  abort.abort(reason);
  assertStrictEquals(await failed, reason);
  await peer.untilEmpty();
});

Deno.test("a dial that was given up before it began dials nobody", async () => {
  const transport = new SpyTransport();
  const reason = new Error("Enough");
  const dialled = new Dialled(server, { transport });
  assertStrictEquals(await dialled.fail(AbortSignal.abort(reason)), reason);
  assertEquals(transport.sockets.length, 0);
});

Deno.test("a dial that is given up at any point leaves no session on the server", async () => {
  const label = uniqueApplicationName();
  for (let turn = 0; turn < 40; turn++) {
    const dialled = new Dialled(server, {
      connection: { application_name: label },
    });
    const abort = new AbortController();
    const dial = dialled.open(abort.signal);
    for (let waited = 0; waited < turn; waited++) {
      if (turn % 2 === 0) await Promise.resolve();
      else await new Promise((resolve) => setImmediate(resolve));
    }
    abort.abort(new Error("Enough"));
    await dial.then(({ connection }) => connection.close(), () => {});
  }
  await waitForNoSessions(server.url, label);
});

Deno.test("FATAL with the greeting is told by its code, not as a lost connection", async () => {
  await using peer = await servePeer((raw) => {
    raw.once("data", () => {
      raw.end(Buffer.concat([
        greeting(),
        errorResponse("FATAL", "57P01", "terminating connection"),
      ]));
    });
  });
  const { kind, sqlState } = await failure({}, peer.endpoint);
  assertEquals([kind, sqlState], ["starting", "57P01"]);
});

async function dialFor(
  requires: SessionRequirement,
  connection: Record<string, string>,
): Promise<string> {
  const endpoint = { host: server.host, port: server.port };
  const dialled = new Dialled(server, {
    plan: [{ endpoint, requires }],
    connection,
  });
  try {
    await using _opened = await dialled.open();
    return "taken";
  } catch (error) {
    assertInstanceOf(error, ConnectError);
    return error.kind;
  }
}

const READ_ONLY = { default_transaction_read_only: "on" };

for (
  const [requires, connection, outcome] of [
    ["any", READ_ONLY, "taken"],
    ["read-write", {}, "taken"],
    ["read-write", READ_ONLY, "starting"],
    ["read-only", {}, "starting"],
    ["read-only", READ_ONLY, "taken"],
    ["primary", READ_ONLY, "taken"],
    ["standby", {}, "starting"],
  ] as const
) {
  const what = "default_transaction_read_only" in connection
    ? "a read-only session"
    : "an ordinary session";
  Deno.test(`a dial for ${requires} of ${what} is ${outcome}`, async () => {
    assertEquals(await dialFor(requires, connection), outcome);
  });
}

Deno.test("a server that does not report what it is, is asked", async () => {
  // Renames what a server before version 14 would not report.
  const transport = new SpyTransport();
  const rename = (bytes: Uint8Array) =>
    Buffer.from(
      Buffer.from(bytes).toString("latin1")
        .replace("in_hot_standby", "xx_hot_standby")
        .replace(
          "default_transaction_read_only",
          "xxxxxxx_transaction_read_only",
        ),
      "latin1",
    );
  transport.onData = rename;
  const endpoint = { host: server.host, port: server.port };
  const plan = (requires: SessionRequirement) => [{ endpoint, requires }];
  const settings = { transport, connection: READ_ONLY };
  const readOnly = new Dialled(server, {
    ...settings,
    plan: plan("read-only"),
  });
  await using _taken = await readOnly.open();
  const error = await failure({ ...settings, plan: plan("read-write") });
  assertEquals(error.kind, "starting");
  assertEquals(transport.sockets[0]!.sent.includes("pg_is_in_recovery"), true);
});
