import { ConnectError } from "../../src/pool_errors.ts";
import { toConnectError } from "../../src/transport/connect_failure.ts";
import { assertEquals, assertStrictEquals } from "../support/assert.ts";

const ENDPOINT = { host: "db.example.org", port: 5432 };

function coded(code: string, message = `connect ${code}`): Error {
  return Object.assign(new Error(message), { code });
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  refused: [
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EPIPE",
    "EOF",
    "ENOENT",
    "ESOMETHINGNEW",
  ],
  dns: ["ENOTFOUND", "EAI_AGAIN", "EAI_NODATA"],
  timeout: ["ETIMEDOUT"],
  permission: ["EACCES", "EPERM"],
};

for (const [kind, codes] of Object.entries(KINDS)) {
  Deno.test(`toConnectError() files ${codes.join(", ")} under ${kind}`, () => {
    const kinds = codes.map((code) =>
      toConnectError(coded(code), ENDPOINT).kind
    );
    assertEquals(kinds, codes.map(() => kind));
  });
}

Deno.test("toConnectError() says where to, what is so and the code, and keeps the cause", () => {
  const cause = coded("ECONNREFUSED");
  const error = toConnectError(cause, ENDPOINT);
  assertEquals(
    error.message,
    "Cannot connect to db.example.org:5432: the connection was refused (ECONNREFUSED)",
  );
  assertStrictEquals(error.cause, cause);
});

Deno.test("toConnectError() looks into an AggregateError and tells each fact once", () => {
  const cause = new AggregateError([
    coded("ECONNREFUSED"),
    coded("ECONNREFUSED"),
    coded("ENETUNREACH"),
  ]);
  const error = toConnectError(cause, ENDPOINT);
  assertEquals(error.kind, "refused");
  assertEquals(
    error.message,
    "Cannot connect to db.example.org:5432: the connection was refused " +
      "(ECONNREFUSED), the network is unreachable (ENETUNREACH)",
  );
});

Deno.test("toConnectError() survives an AggregateError of nothing and a thrown nothing", () => {
  const errors = [new AggregateError([]), undefined, null, "no"];
  const kinds = errors.map((error) => toConnectError(error, ENDPOINT).kind);
  assertEquals(kinds, errors.map(() => "refused"));
});

Deno.test("toConnectError() leaves a ConnectError as it is", () => {
  const error = new ConnectError("tls", "Cannot connect to x: no");
  assertStrictEquals(toConnectError(error, ENDPOINT), error);
});

Deno.test("toConnectError() knows a failed look-up and a bad certificate of Deno's own API", () => {
  const lookup = new Error(
    "failed to lookup address information: Name or service not known",
  );
  const tls = Object.assign(
    new Error("invalid peer certificate: UnknownIssuer"),
    { name: "InvalidData" },
  );
  assertEquals(
    [lookup, tls].map((error) => toConnectError(error, ENDPOINT).kind),
    ["dns", "tls"],
  );
});
