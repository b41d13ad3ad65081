import {
  describeEndpoint,
  isAcceptable,
  planAttempts,
  type SessionRequirement,
  type TargetSessionAttrs,
} from "../../src/transport/hosts.ts";
import { assertEquals } from "../support/assert.ts";

const A = { host: "a", port: 5432 };
const B = { host: "b", port: 5433 };

Deno.test("planAttempts() tries every endpoint once, in order, for anything", () => {
  assertEquals(planAttempts([A, B], undefined), [
    { endpoint: A, requires: "any" },
    { endpoint: B, requires: "any" },
  ]);
});

for (
  const attrs of [
    "read-write",
    "read-only",
    "primary",
    "standby",
  ] satisfies TargetSessionAttrs[]
) {
  Deno.test(`planAttempts() asks ${attrs} of every endpoint, once`, () => {
    assertEquals(planAttempts([B, A], attrs), [
      { endpoint: B, requires: attrs },
      { endpoint: A, requires: attrs },
    ]);
  });
}

Deno.test("planAttempts() goes round twice for prefer-standby: standby, then any", () => {
  assertEquals(planAttempts([A, B], "prefer-standby"), [
    { endpoint: A, requires: "standby" },
    { endpoint: B, requires: "standby" },
    { endpoint: A, requires: "any" },
    { endpoint: B, requires: "any" },
  ]);
});

// Columns: primary, primary with read-only default, standby, standby with the same.
const ACCEPTED: Record<
  SessionRequirement,
  [boolean, boolean, boolean, boolean]
> = {
  "any": [true, true, true, true],
  "read-write": [true, false, false, false],
  "read-only": [false, true, true, true],
  "primary": [true, true, false, false],
  "standby": [false, false, true, true],
};

for (const [requires, expected] of Object.entries(ACCEPTED)) {
  Deno.test(`isAcceptable() means by ${requires} what libpq means`, () => {
    const sessions = [false, true].flatMap((inHotStandby) =>
      [false, true].map((defaultTransactionReadOnly) => ({
        inHotStandby,
        defaultTransactionReadOnly,
      }))
    );
    assertEquals(
      sessions.map((session) =>
        isAcceptable(requires as SessionRequirement, session)
      ),
      expected,
    );
  });
}

Deno.test("describeEndpoint() names host and port, brackets IPv6, and prefers a path", () => {
  const path = "/run/postgresql/.s.PGSQL.5432";
  assertEquals(
    [
      describeEndpoint({ host: "db.example.org", port: 5432 }),
      describeEndpoint({ host: "::1", port: 5432 }),
      describeEndpoint({ host: "/run/postgresql", port: 5432, path }),
    ],
    ["db.example.org:5432", "[::1]:5432", path],
  );
});
