import { assertEquals } from "../support/assert.ts";

const MOD = new URL("../../mod.ts", import.meta.url);

// A change here is a change of what the package promises: it is made on purpose,
// and has its line in CHANGELOG.md.
const EXPORTS = {
  class: [
    "AcquireTimeoutError",
    "ConnectError",
    "ConnectionBusyError",
    "ConnectionLostError",
    "LeaseReleasedError",
    "PoolClosedError",
    "PoolError",
    "PoolOverloadedError",
    "QueryTimeoutError",
    "TransactionFinishedError",
  ],
  function: [
    "createPool",
  ],
  interface: [
    "AcquireOptions",
    "BeginOptions",
    "CloseOptions",
    "ConnectErrorOptions",
    "ConnectionLostOptions",
    "ConnectionOptions",
    "DriverOptions",
    "DriverTransform",
    "DurationStats",
    "EndOptions",
    "Endpoint",
    "LimitedSql",
    "NestedAcquire",
    "NestedHolder",
    "OverloadOptions",
    "Pool",
    "PoolEventMap",
    "PoolOptions",
    "PoolStats",
    "PooledConnection",
    "PostgresType",
    "QueryLimits",
    "ResizeOptions",
    "Sql",
    "Transaction",
    "TransactionOptions",
    "WinterSocket",
  ],
  typeAlias: [
    "CallbackResult",
    "CloseReason",
    "ClosedStats",
    "ConnectErrorKind",
    "ConnectionHook",
    "ConnectionLostPhase",
    "DebugHook",
    "DriverSql",
    "HookName",
    "Isolation",
    "NestedAcquireMode",
    "NoticeHook",
    "ParameterHook",
    "ParsedOptions",
    "Password",
    "PoolErrorCode",
    "PoolEvent",
    "PoolEventListener",
    "PoolEventType",
    "PostgresErrorClass",
    "PostgresTypes",
    "ResetMode",
    "ServerParameters",
    "SocketFactory",
    "SslMode",
    "StartupParameters",
    "TargetSessionAttrs",
    "TransactionOutcome",
    "TransactionStatus",
    "TypeValues",
    "ValuesOf",
  ],
  variable: [
    "PostgresError",
  ],
};

/** Of what a user holds; what they have of the driver's `sql` is not ours to list. */
const MEMBERS = {
  Sql: [
    "CLOSE",
    "END",
    "PostgresError",
    "begin",
    "end",
    "options",
    "parameters",
    "reserve",
    "transaction",
    "with",
  ],
  Pool: [
    "acquire",
    "addEventListener",
    "close",
    "name",
    "pause",
    "ready",
    "refresh",
    "removeEventListener",
    "resize",
    "resume",
    "stats",
    "tryAcquire",
    "use",
  ],
  PooledConnection: [
    "destroy",
    "detach",
    "pid",
    "release",
    "signal",
    "transactionStatus",
  ],
  Transaction: [
    "commit",
    "outcome",
    "prepare",
    "rollback",
    "savepoint",
  ],
};

/** What a declaration is, as `deno doc` has it. */
interface Declaration {
  readonly kind: string;
  readonly def?: {
    readonly properties?: readonly Member[];
    readonly methods?: readonly Member[];
  };
}

interface Member {
  readonly name: string;
}

interface PublicSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

/** Answers what `mod.ts` exports, types too, as its documentation has it. */
async function publicSymbols(): Promise<readonly PublicSymbol[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", MOD.href],
  }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  return nodes[MOD.href].symbols;
}

function membersOf(name: string): readonly string[] {
  const symbol = symbols.find((symbol) => symbol.name === name);
  const members = symbol?.declarations.flatMap(({ def }) => [
    ...def?.properties ?? [],
    ...def?.methods ?? [],
  ]);
  return [...new Set(members?.map(({ name }) => name))].sort();
}

const symbols = await publicSymbols();

Deno.test("mod.ts exports the names on this list, and no others", () => {
  const names: Record<string, string[]> = {};
  for (const { name, declarations } of symbols) {
    for (const kind of new Set(declarations.map(({ kind }) => kind))) {
      (names[kind] ??= []).push(name);
    }
  }
  for (const list of Object.values(names)) list.sort();
  assertEquals(names, EXPORTS);
});

Deno.test("what a user holds has the members on this list, and no others", () => {
  const members = Object.keys(MEMBERS).map((name) => [name, membersOf(name)]);
  assertEquals(Object.fromEntries(members), MEMBERS);
});

Deno.test("what is exported as a value is there when the program runs", async () => {
  const values = symbols.filter(({ declarations }) =>
    declarations.some(({ kind }) =>
      ["class", "function", "variable"].includes(kind)
    )
  );
  const exported = Object.keys(await import("@tidepool/postgres"));
  assertEquals(exported.sort(), values.map(({ name }) => name).sort());
});
