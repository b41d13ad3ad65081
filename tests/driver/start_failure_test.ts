import {
  startError,
  startFailure,
  startLoss,
} from "../../src/driver/start_failure.ts";
import { PostgresError } from "../../src/driver/postgres_js.ts";
import {
  ProtocolViolation,
  type ServerError,
} from "../../src/driver/server_error.ts";
import { Wire } from "../../src/driver/wire.ts";
import {
  ConnectError,
  type ConnectErrorKind,
  ConnectionLostError,
} from "../../src/pool_errors.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "../support/assert.ts";
import { authentication, errorResponse } from "./server_bytes.ts";

const WHERE = "db.example:5432";
const ENDPOINT = { host: "db.example", port: 5432 };

function serverError(error: ServerError) {
  const Make = PostgresError as unknown as new (
    fields: ServerError,
  ) => InstanceType<typeof PostgresError>;
  return new Make(error);
}

function failureAfter(bytes: Uint8Array): ConnectError | undefined {
  const wire = new Wire();
  wire.receive(bytes);
  return startFailure(ENDPOINT, wire, { serverError });
}

const KINDS: readonly [code: string, kind: ConnectErrorKind, why: string][] = [
  ["28P01", "auth", "wrong password"],
  ["28000", "auth", "unknown role"],
  ["3D000", "auth", "unknown database"],
  ["42501", "auth", "no CONNECT privilege"],
  ["53300", "capacity", "too many connections"],
  ["53200", "capacity", "out of memory"],
  ["57P03", "starting", "the server starts up"],
  ["57P01", "starting", "the server shuts down"],
  ["57014", "starting", "the look-up of types took too long"],
  ["08P01", "protocol", "protocol violation"],
  ["XX000", "protocol", "internal error"],
];

for (const [code, kind, why] of KINDS) {
  Deno.test(`startFailure() takes ${code}, ${why}, for ${kind}`, () => {
    const error = failureAfter(errorResponse("FATAL", code, "so it is"));
    assertInstanceOf(error, ConnectError);
    assertEquals([error.kind, error.sqlState], [kind, code]);
    assertEquals(
      error.message,
      `Cannot connect to ${WHERE}: so it is (${code})`,
    );
    assertInstanceOf(error.cause, PostgresError);
  });
}

for (const method of [0, 3, 5, 10]) {
  Deno.test(`startFailure() has nothing against authentication method ${method}`, () => {
    assertEquals(failureAfter(authentication(method)), undefined);
  });
}

for (const method of [2, 6, 7, 8, 9]) {
  Deno.test(`startFailure() refuses authentication method ${method}, which the driver would only print`, () => {
    const error = failureAfter(authentication(method));
    assertEquals(error?.kind, "auth");
    assertEquals(
      error?.message,
      `Cannot connect to ${WHERE}: the driver does not know authentication method ${method}`,
    );
  });
}

Deno.test("startLoss() takes a socket that closed for a refusal, which may pass", () => {
  const cause = new Error("ECONNRESET");
  for (const why of [undefined, cause]) {
    const error = startLoss(ENDPOINT, why);
    assertEquals([error.kind, error.cause], ["refused", why]);
  }
});

Deno.test("startLoss() takes a peer that speaks another protocol for one", () => {
  assertEquals(
    startLoss(ENDPOINT, new ProtocolViolation("No")).kind,
    "protocol",
  );
});

Deno.test("startError() leaves an error of ours as it is", () => {
  const error = new ConnectError("tls", "Cannot connect");
  assertStrictEquals(startError(ENDPOINT, error), error);
});

Deno.test("startError() tells by what a connection was lost why its dial failed", () => {
  const cause = serverError({
    severity: "FATAL",
    code: "57P01",
    message: "terminating connection",
  });
  const lost = new ConnectionLostError({ sent: true, phase: "idle", cause });
  const error = startError(ENDPOINT, lost);
  assertEquals([error.kind, error.sqlState], ["starting", "57P01"]);
  const cut = new ConnectionLostError({ sent: true, phase: "idle" });
  assertEquals(startError(ENDPOINT, cut).kind, "refused");
});

Deno.test("startError() takes what it does not know for a fault that lasts", () => {
  const error = startError(ENDPOINT, new Error("signature mismatch"));
  assertEquals(error.kind, "protocol");
  assertEquals(
    error.message,
    `Cannot connect to ${WHERE}: signature mismatch`,
  );
  assertEquals(
    startError(ENDPOINT, "text").message,
    `Cannot connect to ${WHERE}: text`,
  );
});
