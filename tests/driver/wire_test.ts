import { ProtocolViolation } from "../../src/driver/server_error.ts";
import { Wire } from "../../src/driver/wire.ts";
import { assertEquals, assertMatch, assertThrows } from "../support/assert.ts";
import {
  authentication,
  backendKeyData,
  commandComplete,
  errorResponse,
  greeting,
  int32,
  joined,
  message,
  parameterStatus,
  readyForQuery,
} from "./server_bytes.ts";

/** A conversation with every kind of message that is read, and some that are not. */
const CONVERSATION = joined(
  greeting(),
  message("1"),
  message("2"),
  message("T", "\0\0"),
  message("D", [0, 1], int32(6), "Z\0\0\0\x05I"), // a row that looks like a message
  commandComplete("SELECT 1"),
  readyForQuery("I"),
  commandComplete("BEGIN"),
  readyForQuery("T"),
  errorResponse("ERROR", "42601", "sýntax"),
  readyForQuery("E"),
  message("A", int32(9), "channel\0payload\0"),
  message("N", "SNOTICE\0VNOTICE\0C00000\0Mhé\0\0"),
);

interface Seen {
  readonly [fact: string]: unknown;
}

function facts(wire: Wire): Seen {
  const { pid, secret, status, readies, isTouched } = wire;
  const { isDamaged, error, fatal, authentication } = wire;
  const parameters = [...wire.parameters];
  return {
    ...{ pid, secret, status, readies, isTouched, isDamaged },
    ...{ error, fatal, authentication, parameters },
  };
}

function seeing(...chunks: readonly Uint8Array[]): Wire {
  const wire = new Wire();
  for (const chunk of chunks) receiveAll(wire, chunk);
  return wire;
}

function receiveAll(wire: Wire, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at = wire.receive(bytes, at);
}

/** A started wire that has then seen `chunks`. */
function started(...chunks: readonly Uint8Array[]): Wire {
  return seeing(greeting(), ...chunks);
}

Deno.test("Wire sees who the server is and how it answered", () => {
  assertEquals(facts(seeing(CONVERSATION)), {
    pid: 42,
    secret: -7,
    status: "failed",
    readies: 4,
    isTouched: false,
    isDamaged: false,
    error: { severity: "ERROR", code: "42601", message: "sýntax" },
    fatal: undefined,
    authentication: 0,
    parameters: [["server_version", "18.4"], ["in_hot_standby", "off"]],
  });
});

Deno.test("Wire sees the same wherever the bytes are split in two", () => {
  const expected = facts(seeing(CONVERSATION));
  for (let at = 0; at <= CONVERSATION.length; at++) {
    const wire = seeing(CONVERSATION.slice(0, at), CONVERSATION.slice(at));
    assertEquals(facts(wire), expected, `split at ${at}`);
  }
});

Deno.test("Wire sees the same byte by byte", () => {
  const bytes = [...CONVERSATION].map((byte) => Uint8Array.of(byte));
  assertEquals(facts(seeing(...bytes)), facts(seeing(CONVERSATION)));
});

Deno.test("Wire sees the same in chunks of any size", () => {
  const expected = facts(seeing(CONVERSATION));
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  for (let round = 0; round < 300; round++) {
    const wire = new Wire();
    for (let at = 0; at < CONVERSATION.length;) {
      const size = random(random(2) === 0 ? 6 : 60);
      receiveAll(wire, CONVERSATION.slice(at, at + size));
      at += size;
    }
    assertEquals(facts(wire), expected, `seed ${seed}, round ${round}`);
  }
});

Deno.test("Wire knows the transaction status of the last ReadyForQuery", () => {
  const begun = [commandComplete("BEGIN"), readyForQuery("T")];
  const failed = [errorResponse("ERROR", "22012"), readyForQuery("E")];
  const ended = [commandComplete("COMMIT"), readyForQuery("I")];
  assertEquals(started(...begun).status, "open");
  assertEquals(started(...failed).status, "failed");
  const wire = started(...begun, ...ended);
  assertEquals(wire.status, "idle");
  assertEquals(wire.readies, 3);
});

Deno.test("Wire stops behind each ReadyForQuery, and behind an error", () => {
  const wire = new Wire();
  const ends = [];
  for (let at = 0; at < CONVERSATION.length;) {
    at = wire.receive(CONVERSATION, at);
    ends.push(`${wire.readies} ${CONVERSATION.length - at} left`);
  }
  assertEquals(ends.map((end) => end.split(" ")[0]), [
    ...["1", "2", "3", "3", "4", "4"],
  ]);
  assertEquals(ends[5], "4 0 left");
});

Deno.test("Wire stops before and behind an error, which is passed on by itself", () => {
  const row = message("D", [0, 1], int32(1), "E");
  const failure = errorResponse("ERROR", "22012");
  const reply = joined(row, failure, readyForQuery());
  const wire = started();
  const before = wire.receive(reply);
  assertEquals([before, wire.hasFailed], [row.length, false]);
  assertEquals(wire.isBeforeError(reply, before), true);
  const behind = wire.receive(reply, before);
  assertEquals(behind, row.length + failure.length);
  assertEquals([wire.hasFailed, wire.isAtError], [true, true]);
  assertEquals(wire.receive(reply, behind), reply.length);
  assertEquals([wire.isAtError, wire.isBeforeError(row, 0)], [false, false]);
  // Of what is inside a message, nothing is one.
  wire.receive(row.subarray(0, row.length - 1));
  assertEquals(wire.isBeforeError(row, row.length - 1), false);
});

Deno.test("Wire tells that an error came since it was last asked", () => {
  const wire = started();
  assertEquals(wire.hasFailed, false);
  receiveAll(wire, joined(errorResponse("ERROR", "22012"), readyForQuery()));
  assertEquals(wire.hasFailed, true);
});

Deno.test("Wire tells an error that ends the session from one that does not", () => {
  const wire = started(errorResponse("ERROR", "23505"));
  assertEquals(wire.fatal, undefined);
  assertEquals(wire.error?.code, "23505");
  for (const severity of ["FATAL", "PANIC"]) {
    const dying = started(errorResponse(severity, "57P01"));
    assertEquals(dying.fatal?.code, "57P01");
    assertEquals(dying.isDamaged, false);
  }
});

Deno.test("Wire takes the severity that is never translated", () => {
  const translated = message("E", "SFATALE\0VFATAL\0C57P01\0Mciao\0\0");
  assertEquals(started(translated).fatal?.severity, "FATAL");
  const old = message("E", "SFATAL\0C57P01\0Mbye\0\0");
  assertEquals(started(old).fatal?.severity, "FATAL");
});

Deno.test("Wire marks a session damaged by an internal error, and by no other", () => {
  assertEquals(started(errorResponse("ERROR", "XX000")).isDamaged, true);
  assertEquals(started(errorResponse("ERROR", "53100")).isDamaged, false);
});

for (
  const tag of [
    "SET",
    "RESET",
    "LISTEN",
    "UNLISTEN",
    "PREPARE",
    "DEALLOCATE",
    "DEALLOCATE ALL",
    "LOAD",
    "DISCARD ALL",
    "DECLARE CURSOR",
    "DO",
    "CALL",
  ]
) {
  Deno.test(`Wire takes a session for touched after ${tag}`, () => {
    assertEquals(started(commandComplete(tag)).isTouched, true);
  });
}

for (
  const tag of [
    "SELECT 1",
    "SELECT 0",
    "INSERT 0 1",
    "UPDATE 3",
    "DELETE 5",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "COPY 7",
    "FETCH 2",
    "MERGE 1",
    "START TRANSACTION",
  ]
) {
  Deno.test(`Wire does not take a session for touched after ${tag}`, () => {
    assertEquals(started(commandComplete(tag)).isTouched, false);
  });
}

Deno.test("Wire takes a session for touched when a parameter changes, not when it starts", () => {
  assertEquals(started().isTouched, false);
  const wire = started(parameterStatus("TimeZone", "Asia/Tokyo"));
  assertEquals(wire.isTouched, true);
  assertEquals(wire.parameters.get("TimeZone"), "Asia/Tokyo");
});

for (const [name, code] of [["in", "G"], ["out", "H"], ["both", "W"]]) {
  Deno.test(`Wire tells once that a COPY ${name} has started`, () => {
    const wire = started(message(code!, [0, 0, 0]));
    assertEquals([wire.takeCopyStart(), wire.takeCopyStart()], [true, false]);
    wire.receive(joined(commandComplete("COPY 1"), readyForQuery()));
    assertEquals(wire.takeCopyStart(), false);
  });
}

Deno.test("Wire keeps the authentication method that was asked for last", () => {
  assertEquals(new Wire().authentication, -1);
  assertEquals(
    seeing(authentication(10, "SCRAM-SHA-256\0\0")).authentication,
    10,
  );
  assertEquals(seeing(authentication(0)).authentication, 0);
});

function assertViolation(bytes: Uint8Array, wire = started()): void {
  const error = assertThrows(() => wire.receive(bytes), ProtocolViolation);
  assertMatch(error.message, /^Cannot (read a|end a reply)/);
}

Deno.test("Wire refuses a code that is none of PostgreSQL's", () => {
  assertViolation(message("x"));
  assertViolation(Uint8Array.of(0, 0, 0, 0, 4));
  assertViolation(message("Q", "select 1\0"));
});

Deno.test("Wire refuses a length that cannot be", () => {
  assertViolation(Uint8Array.from([0x44, ...int32(3)]));
  assertViolation(Uint8Array.from([0x44, ...int32(0)]));
  assertViolation(Uint8Array.from([0x44, ...int32(-1)]));
  assertViolation(Uint8Array.from([0x44, ...int32(0x40000001)]));
});

Deno.test("Wire refuses the end of a reply that did not begin, but for that of a bare Sync", () => {
  assertViolation(readyForQuery());
  const notice = parameterStatus("TimeZone", "Asia/Tokyo");
  assertViolation(joined(notice, readyForQuery()));
  const wire = started();
  wire.mayEndBare = true;
  wire.receive(readyForQuery("I"));
  assertEquals([wire.readies, wire.mayEndBare], [2, false]);
  assertViolation(readyForQuery(), wire);
});

Deno.test("Wire refuses a transaction status that is none", () => {
  assertViolation(joined(commandComplete("BEGIN"), message("Z", "X")));
  assertViolation(message("Z"));
});

Deno.test("Wire refuses a message too short for what it must hold", () => {
  assertViolation(message("R"), new Wire());
  assertViolation(message("R", [0, 0]), new Wire());
  assertViolation(message("K", int32(1)), new Wire());
});

Deno.test("Wire refuses a SCRAM challenge that would end the process", () => {
  seeing(authentication(11, "r=abc,s=c2FsdA==,i=4096"));
  for (const challenge of ["", "r=abc", "r=abc,s=c2FsdA==,i=x", "e=other"]) {
    assertViolation(authentication(11, challenge), new Wire());
  }
});

for (
  const [who, said] of [
    ["an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["an SSH server", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["a mail server", "220 mail.example ESMTP\r\n"],
    ["a Redis server", "-ERR unknown command\r\n"],
    ["an echo server", "\0\0\0\x3e\0\x03\0\0user\0postgres\0"],
    ["a server that says nothing sensible", "Cannot do that, Dave. Sorry."],
  ]
) {
  Deno.test(`Wire tells ${who} by its first bytes`, () => {
    assertViolation(new TextEncoder().encode(said), new Wire());
  });
}

Deno.test("Wire refuses before a session is ready what only a running one sends", () => {
  for (const code of "DTC12AnstGHW") {
    assertViolation(message(code, [0, 0]), seeing(authentication(0)));
  }
  assertViolation(
    Uint8Array.from([0x45, ...int32(0x20000)]),
    seeing(authentication(0)),
  );
});

Deno.test("Wire keeps the pid and secret of a server that cancels by them", () => {
  const wire = seeing(
    authentication(0),
    backendKeyData(0x12345678, 0x7fffffff),
  );
  assertEquals([wire.pid, wire.secret], [0x12345678, 0x7fffffff]);
});

Deno.test("Wire refuses a message of fixed length that is longer or shorter", () => {
  for (const code of ["1", "2", "3", "n", "I", "s", "c"]) {
    assertViolation(message(code, "x"));
  }
  assertViolation(message("Z", "II"));
  assertViolation(joined(new TextEncoder().encode("220 mail ready\r\n")));
});

Deno.test("Wire takes the notice of a server that goes down for the end of the session", () => {
  const notice = "SWARNING\0VWARNING\0C57P02\0Mcrash\0\0";
  assertEquals(started(message("N", notice)).fatal?.code, "57P02");
  const hello = "SNOTICE\0VNOTICE\0C00000\0Mhello\0\0";
  assertEquals(started(message("N", hello)).fatal, undefined);
});

Deno.test("Wire knows that a write was refused, and whether the server says it is read-only", () => {
  const refused = started(
    errorResponse("ERROR", "25006", "read-only"),
    readyForQuery("I"),
  );
  assertEquals([refused.wasReadOnly, refused.isReadOnly], [true, false]);
  receiveAll(refused, parameterStatus("in_hot_standby", "on"));
  assertEquals(refused.isReadOnly, true);
});

Deno.test("Wire tells when prepared statements were forgotten, and of no other command", () => {
  for (const tag of ["DISCARD ALL", "DEALLOCATE ALL"]) {
    assertEquals(started(commandComplete(tag)).hasForgottenPlans, true, tag);
  }
  // Without ALL it is one that its user had prepared himself.
  for (const tag of ["DISCARD TEMP", "DEALLOCATE", "PREPARE", "SELECT 1"]) {
    assertEquals(started(commandComplete(tag)).hasForgottenPlans, false, tag);
  }
});
