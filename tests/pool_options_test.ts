import {
  readTransactionOptions,
  type TransactionOptions,
} from "../src/options/begin_options.ts";
import {
  checkAcquireOptions,
  resolveCloseOptions,
} from "../src/options/call_options.ts";
import { checkResize } from "../src/options/pool_bounds.ts";
import {
  type PoolOptions,
  type ResolvedPoolOptions,
  resolvePoolOptions,
} from "../src/pool_options.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "./support/assert.ts";

const SECRET = "s3cr3t";

/** Resolves without an environment; options may be wrong on purpose. */
function resolve(options: Record<string, unknown> = {}): ResolvedPoolOptions {
  const given = { username: "me", ...options } as PoolOptions;
  return resolvePoolOptions(given, undefined, () => undefined);
}

function noop(): void {}

Deno.test("resolvePoolOptions() fills in the documented defaults", () => {
  const { name: _, tls: __, ...options } = resolve();
  assertEquals(options as unknown, {
    max: 10,
    min: 0,
    acquireTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
    queryTimeoutMs: Infinity,
    releaseTimeoutMs: 2_000,
    closeTimeoutMs: 5_000,
    idleTimeoutMs: 60_000,
    maxLifetimeMs: 1_800_000,
    maxUses: Infinity,
    leakWarningMs: Infinity,
    nestedAcquire: "warn",
    maxWaiting: Infinity,
    overload: undefined,
    validateAfterIdleMs: 2_000,
    pipeline: 16,
    reset: "rollback",
    onConnect: undefined,
    onAcquire: undefined,
    onRelease: undefined,
    holdProcess: false,
    transport: undefined,
    endpoints: [{ host: "localhost", port: 5432 }],
    targetSessionAttrs: undefined,
    keepAliveMs: 60_000,
    username: "me",
    database: "me",
    driver: {
      types: {},
      transform: { undefined: undefined },
      connection: { application_name: "tidepool" },
      prepare: true,
      debug: false,
      fetchTypes: true,
      onnotice: undefined,
      onparameter: undefined,
    },
  });
});

Deno.test("resolvePoolOptions() takes every option of its own", () => {
  const given = {
    max: 3,
    min: 2,
    acquireTimeoutMs: 0,
    connectTimeoutMs: 1,
    queryTimeoutMs: 2,
    releaseTimeoutMs: 3,
    closeTimeoutMs: 0,
    idleTimeoutMs: Infinity,
    maxLifetimeMs: Infinity,
    maxUses: 4,
    nestedAcquire: "ignore",
    validateAfterIdleMs: 0,
    pipeline: 1,
    reset: noop,
    onConnect: noop,
    onAcquire: noop,
    onRelease: noop,
    holdProcess: true,
    name: "shop",
    transport: noop,
  };
  const resolved = resolve(given) as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    assertStrictEquals(resolved[name], value, name);
  }
});

Deno.test("resolvePoolOptions() passes the driver's options on", () => {
  const given = {
    types: { point: { to: 600, from: [600], serialize: noop, parse: noop } },
    transform: { undefined: null },
    prepare: false,
    debug: noop,
    onnotice: noop,
    onparameter: noop,
  };
  const { connection: _, fetchTypes, ...driver } =
    resolve({ ...given, fetch_types: false }).driver;
  assertEquals(driver as unknown, given);
  assertEquals(fetchTypes, false);
});

Deno.test("resolvePoolOptions() sends false and 0 as start-up parameters too", () => {
  const connection = { jit: false, statement_timeout: 0, TimeZone: undefined };
  assertEquals(resolve({ connection }).driver.connection, {
    application_name: "tidepool",
    jit: "false",
    statement_timeout: "0",
  });
});

Deno.test("resolvePoolOptions() maps the driver's seconds to milliseconds", () => {
  const options = resolve({
    idle_timeout: 20,
    max_lifetime: 1.5,
    connect_timeout: 3,
    keep_alive: 4,
    max_pipeline: 5,
    backoff: false,
  });
  assertEquals(options.idleTimeoutMs, 20_000);
  assertEquals(options.maxLifetimeMs, 1_500);
  assertEquals(options.connectTimeoutMs, 3_000);
  assertEquals(options.keepAliveMs, 4_000);
  assertEquals(options.pipeline, 5);
});

Deno.test("resolvePoolOptions() takes the driver's 0 and null as never", () => {
  for (const never of [0, null]) {
    const options = resolve({
      idle_timeout: never,
      max_lifetime: never,
      connect_timeout: never,
      keep_alive: never,
    });
    assertEquals(options.idleTimeoutMs, Infinity);
    assertEquals(options.maxLifetimeMs, Infinity);
    assertEquals(options.connectTimeoutMs, Infinity);
    assertEquals(options.keepAliveMs, 0);
  }
});

Deno.test("resolvePoolOptions() calls a max_lifetime that is a function", () => {
  assertEquals(resolve({ max_lifetime: () => 9 }).maxLifetimeMs, 9_000);
  assertEquals(resolve({ max_lifetime: () => null }).maxLifetimeMs, Infinity);
  assertThrows(() => resolve({ max_lifetime: () => NaN }), RangeError);
});

Deno.test("resolvePoolOptions() takes the driver's old names", () => {
  assertEquals(resolve({ timeout: 3 }).idleTimeoutMs, 3_000);
  assertEquals(resolve({ no_prepare: true }).driver.prepare, false);
  assertEquals(resolve({ no_prepare: false }).driver.prepare, true);
});

Deno.test("resolvePoolOptions() refuses two names of one thing", () => {
  const pairs = [
    ["idle_timeout", "idleTimeoutMs", 1],
    ["timeout", "idle_timeout", 1],
    ["max_lifetime", "maxLifetimeMs", 1],
    ["connect_timeout", "connectTimeoutMs", 1],
    ["max_pipeline", "pipeline", 1],
    ["no_prepare", "prepare", true],
    ["host", "hostname", "a"],
    ["database", "db", "a"],
    ["user", "username", "a"],
    ["password", "pass", "a"],
  ] as const;
  for (const [one, other, value] of pairs) {
    const options: Record<string, unknown> = { [one]: value, [other]: value };
    assertThrows(
      () => resolvePoolOptions(options, undefined, () => "me"),
      TypeError,
      `Cannot create the pool: options "${one}" and "${other}" are two names of one thing`,
    );
  }
});

Deno.test("resolvePoolOptions() refuses an unknown option and names the nearest", () => {
  const error = assertThrows(() => resolve({ idleTimeout: 1 }), TypeError);
  assertEquals(
    error.message,
    'Cannot create the pool: unknown option "idleTimeout": did you mean "idleTimeoutMs"?',
  );
  assertThrows(() => resolve({ maxx: 1 }), TypeError, '"max"?');
  assertThrows(
    () => resolve({ connectTimeoutMillis: 1 }),
    TypeError,
    '"connectTimeoutMs"?',
  );
});

Deno.test("resolvePoolOptions() suggests nothing when nothing is near", () => {
  const unknown = [
    "pooler",
    "__proto__x",
    "toString",
  ];
  for (const name of unknown) {
    const error = assertThrows(() => resolve({ [name]: undefined }), TypeError);
    assertEquals(
      error.message,
      `Cannot create the pool: unknown option "${name}"`,
    );
  }
});

Deno.test("resolvePoolOptions() says what to use instead of options of other pools", () => {
  const hints = {
    onclose: "listen to the pool's events instead",
    socket: 'pass "transport" instead',
    connectionString: "pass it as the first argument instead",
    connectionTimeoutMillis: 'pass "acquireTimeoutMs" instead',
    timeoutMs: 'pass "acquireTimeoutMs" or "queryTimeoutMs" instead',
    poolSize: 'pass "max" instead',
    role: 'pass "connection: { role }" instead',
    search_path: 'pass "connection: { search_path }" instead',
    idle_in_transaction_session_timeout:
      'pass "connection: { idle_in_transaction_session_timeout }" instead',
    lock_timeout: 'pass "connection: { lock_timeout }" instead',
    idleTimeoutMillis: 'pass "idleTimeoutMs" instead',
    maxLifetimeSeconds: 'pass "maxLifetimeMs" instead',
    query_timeout: 'pass "queryTimeoutMs" instead',
    allowExitOnIdle: 'pass "holdProcess", which is the opposite, instead',
    application_name: 'pass "connection: { application_name }" instead',
    statement_timeout: 'pass "connection: { statement_timeout }" instead',
    verify: 'pass "onConnect" instead',
    sslmode: 'did you mean "ssl"?',
    url: "pass it as the first argument instead",
    connectionTimeout: 'pass "acquireTimeoutMs" instead',
    leakDetectionThreshold: 'pass "leakWarningMs" instead',
    maxConnections: 'pass "max" instead',
    maximumPoolSize: 'pass "max" instead',
    minimumIdle: 'pass "min" instead',
    publications: "only a client of the driver can subscribe",
  };
  for (const [name, hint] of Object.entries(hints)) {
    assertThrows(
      () => resolve({ [name]: noop }),
      TypeError,
      `unknown option "${name}": ${hint}`,
    );
  }
});

Deno.test("readTransactionOptions() says that retries is what retry is", () => {
  assertThrows(
    () => readTransactionOptions({ retry: 3 } as TransactionOptions),
    TypeError,
    'Cannot run a transaction: unknown option "retry": pass "retries" instead',
  );
});

Deno.test("resolvePoolOptions() takes undefined as not given", () => {
  const options = resolve({
    max: undefined,
    idle_timeout: undefined,
    idleTimeoutMs: 7,
  });
  assertEquals(options.max, 10);
  assertEquals(options.idleTimeoutMs, 7);
});

Deno.test("resolvePoolOptions() refuses a value of a wrong type", () => {
  const wrong: readonly [string, unknown, string][] = [
    ["max", "5", "an integer of at least 1, got a string"],
    ["min", null, "an integer of at least 0, got null"],
    [
      "acquireTimeoutMs",
      5n,
      "a number of milliseconds, 0 or more, got a bigint",
    ],
    [
      "idle_timeout",
      [],
      "a number of seconds, 0 or more or null, got an array",
    ],
    ["name", 1, "a non-empty string without NUL, got a number"],
    ["holdProcess", 1, "a boolean, got a number"],
    ["prepare", "no", "a boolean, got a string"],
    ["debug", 1, "a boolean or a function, got a number"],
    ["onConnect", {}, "a function, got an object"],
    ["transport", {}, "a function, got an object"],
    ["types", [], "an object, got an array"],
    ["transform", noop, "an object, got a function"],
    [
      "reset",
      true,
      '"rollback", "session" or "none", or a function, got a boolean',
    ],
    ["host", 1, "one or more hosts, each with or without a port, got a number"],
    ["port", "5432", "one for each host, got a string"],
    ["backoff", {}, "null, got an object"],
  ];
  for (const [name, value, expected] of wrong) {
    const error = assertThrows(() => resolve({ [name]: value }), TypeError);
    assertMatch(error.message, /^Cannot create the pool: option "/);
    assert(error.message.includes(`"${name}" must be`), error.message);
    assert(error.message.endsWith(expected), error.message);
  }
});

Deno.test("resolvePoolOptions() refuses a value out of range and shows it", () => {
  const wrong: readonly [string, unknown][] = [
    ["max", 0],
    ["max", 1.5],
    ["max", Infinity],
    ["min", -1],
    ["acquireTimeoutMs", -1],
    ["acquireTimeoutMs", NaN],
    ["connectTimeoutMs", 0],
    ["connectTimeoutMs", NaN],
    ["queryTimeoutMs", 0],
    ["releaseTimeoutMs", 0],
    ["closeTimeoutMs", NaN],
    ["idleTimeoutMs", -1],
    ["maxLifetimeMs", 0],
    ["maxUses", 0],
    ["maxUses", 1.5],
    ["validateAfterIdleMs", -1],
    ["pipeline", 0],
    ["max_pipeline", 0],
    ["pipeline", 1_001],
    ["max_pipeline", 1e9],
    ["connect_timeout", -1],
    ["reset", "sesion"],
    ["nestedAcquire", "error"],
    ["name", ""],
  ];
  for (const [name, value] of wrong) {
    const error = assertThrows(() => resolve({ [name]: value }), RangeError);
    assert(error.message.includes(`option "${name}" must be`), error.message);
    const shown = typeof value === "string" ? JSON.stringify(value) : value;
    assert(error.message.endsWith(`, got ${shown}`), error.message);
  }
});

Deno.test("resolvePoolOptions() refuses min above max", () => {
  assertThrows(
    () => resolve({ min: 4, max: 3 }),
    RangeError,
    'Cannot create the pool: option "min" must be at most max (3), got 4',
  );
});

Deno.test("resolvePoolOptions() refuses start-up parameters that could carry others", () => {
  for (const connection of [{ a: "b\0c" }, { "a\0b": "c" }, { a: {} }]) {
    assertThrows(() => resolve({ connection }), RangeError, '"connection"');
  }
});

Deno.test("resolvePoolOptions() never shows a password or TLS options that are wrong", () => {
  for (const name of ["password", "pass", "ssl"]) {
    for (const value of [[SECRET], SECRET]) {
      if (typeof value === "string" && name !== "ssl") continue;
      const error = assertThrows(() => resolve({ [name]: value }));
      assert(error.message.includes(`option "${name}" must be`));
      assert(!error.message.includes(SECRET), error.message);
    }
  }
});

Deno.test("resolvePoolOptions() shows no text of where to connect, which may be a whole URL", () => {
  const url = `postgres://me:${SECRET}@db/shop\0`;
  const names = [
    "host",
    "hostname",
    "path",
    "database",
    "db",
    "username",
    "user",
    "sslnegotiation",
    "target_session_attrs",
  ];
  for (const name of names) {
    const error = assertThrows(
      () => resolve({ username: undefined, [name]: url }),
      RangeError,
      `Cannot create the pool: option "${name}" must be`,
    );
    assertMatch(error.message, /, got another string$/);
  }
  const hosts = ["a", url];
  const error = assertThrows(() => resolve({ host: hosts }), RangeError);
  assertMatch(error.message, /, got another array$/);
});

Deno.test("resolvePoolOptions() refuses arguments that are not what they should be", () => {
  for (
    const [wrong, type] of [[null, "null"], [5, "a number"], [[], "an array"]]
  ) {
    const message = `the options must be an object, got ${type}`;
    const given = wrong as unknown as PoolOptions;
    assertThrows(() => resolvePoolOptions(given), TypeError, message);
    assertThrows(
      () => resolvePoolOptions("postgres://u@h", given),
      TypeError,
      message,
    );
  }
  assertThrows(
    () => resolvePoolOptions({ max: 1 }, { max: 2 }),
    TypeError,
    "with two arguments the first must be a URL, got an object",
  );
});

Deno.test("resolvePoolOptions() shows no credentials when what it answers is inspected", () => {
  const options = resolve({ password: SECRET, ssl: { key: SECRET } });
  assertEquals(options.password, SECRET);
  assertEquals(options.tls.options, { key: SECRET });
  const shown = Deno.inspect(options, { depth: 9 }) + JSON.stringify(options);
  assert(!shown.includes(SECRET), shown);
});

Deno.test("resolvePoolOptions() answers something frozen", () => {
  const options = resolve({ ssl: { key: SECRET } });
  const { driver, tls, endpoints } = options;
  const parts = [
    options,
    endpoints,
    endpoints[0],
    tls,
    tls.options,
    driver,
    driver.types,
    driver.transform,
    driver.connection,
  ];
  for (const part of parts) assert(Object.isFrozen(part));
});

Deno.test("resolvePoolOptions() neither changes nor keeps the caller's objects", () => {
  const given = Object.freeze({
    username: "me",
    host: Object.freeze(["a"]),
    port: Object.freeze([1]),
    ssl: Object.freeze({ ca: "ca" }),
    types: Object.freeze({}),
    transform: Object.freeze({ undefined: null }),
    connection: Object.freeze({ TimeZone: "UTC" }),
  });
  const { driver, tls } = resolvePoolOptions(given, undefined, () => undefined);
  for (
    const kept of [
      driver.types,
      driver.transform,
      driver.connection,
      tls.options,
    ]
  ) {
    assert(!Object.values<unknown>(given).includes(kept));
  }
});

Deno.test("resolvePoolOptions() keeps a password function to be called per dial", () => {
  let calls = 0;
  const { password } = resolve({ password: () => `${++calls}` });
  assertEquals(calls, 0);
  assert(typeof password === "function");
});

Deno.test("resolvePoolOptions() numbers the pools that have no name", () => {
  const [first, second] = [resolve().name, resolve().name];
  assertThrows(() => resolve({ max: 0 }));
  const third = resolve().name;
  const numbers = [first, second, third].map((name) => Number(name.slice(5)));
  assertMatch(first, /^pool-\d+$/);
  assertEquals(numbers, [numbers[0], numbers[0]! + 1, numbers[0]! + 2]);
});

Deno.test("checkAcquireOptions() takes a signal and a timeout, or nothing", () => {
  const { signal } = new AbortController();
  checkAcquireOptions(undefined, "acquire a connection");
  checkAcquireOptions({}, "acquire a connection");
  checkAcquireOptions({ signal, timeoutMs: 0 }, "acquire a connection");
  checkAcquireOptions({ timeoutMs: Infinity }, "acquire a connection");
  checkAcquireOptions(
    { signal: undefined, timeoutMs: undefined },
    "acquire a connection",
  );
});

Deno.test("checkAcquireOptions() refuses what it does not know, naming the action", () => {
  const wrong: readonly [unknown, new () => Error, string][] = [
    [
      { timeout: 5 },
      TypeError,
      'unknown option "timeout": did you mean "timeoutMs"?',
    ],
    [{ timeoutMs: "5" }, TypeError, "milliseconds, 0 or more, got a string"],
    [{ timeoutMs: null }, TypeError, "milliseconds, 0 or more, got null"],
    [{ timeoutMs: -1 }, RangeError, "milliseconds, 0 or more, got -1"],
    [{ timeoutMs: NaN }, RangeError, "milliseconds, 0 or more, got NaN"],
    [
      { signal: {} },
      TypeError,
      '"signal" must be an AbortSignal, got an object',
    ],
    [{ signal: new EventTarget() }, TypeError, "must be an AbortSignal"],
    [{ signal: null }, TypeError, '"signal" must be an AbortSignal, got null'],
    [5, TypeError, "the options must be an object, got a number"],
    [null, TypeError, "the options must be an object, got null"],
  ];
  for (const [options, type, message] of wrong) {
    const error = assertThrows(
      () =>
        checkAcquireOptions(
          options as object,
          "acquire a connection",
        ),
      type,
      message,
    );
    assertMatch(error.message, /^Cannot acquire a connection: /);
  }
});

Deno.test("resolveCloseOptions() falls back on the pool's closeTimeoutMs", () => {
  assertEquals(resolveCloseOptions(undefined, 7), {
    timeoutMs: 7,
    force: false,
  });
  assertEquals(resolveCloseOptions({ timeoutMs: 1, force: true }, 7), {
    timeoutMs: 1,
    force: true,
  });
});

Deno.test("resolveCloseOptions() refuses what it does not know", () => {
  const unknown = { timeout: 5 } as object;
  assertThrows(
    () => resolveCloseOptions(unknown, 7),
    TypeError,
    'Cannot close the pool: unknown option "timeout": did you mean "timeoutMs"?',
  );
  assertThrows(() => resolveCloseOptions({ timeoutMs: NaN }, 7), RangeError);
});

Deno.test("checkResize() keeps what is not given", () => {
  const current = { min: 1, max: 5 };
  assertEquals(checkResize({ max: 3 }, current), { min: 1, max: 3 });
  assertEquals(checkResize({ min: 2 }, current), { min: 2, max: 5 });
  assertEquals(checkResize({}, current), current);
});

Deno.test("checkResize() refuses bounds that are none", () => {
  const current = { min: 2, max: 5 };
  assertThrows(
    () => checkResize({ max: 1 }, current),
    RangeError,
    'Cannot resize the pool: option "min" must be at most max (1), got 2',
  );
  assertThrows(() => checkResize({ max: 0 }, current), RangeError);
  assertThrows(
    () => checkResize({ maximum: 1 } as object, current),
    TypeError,
    'Cannot resize the pool: unknown option "maximum"',
  );
});

Deno.test("resolvePoolOptions() takes limits on the queue and copies them", () => {
  const overload = { targetMs: 50, intervalMs: 1_000 };
  const options = resolve({ maxWaiting: 1, overload });
  overload.targetMs = 1;
  assertEquals(options.maxWaiting, 1);
  assertEquals(options.overload, { targetMs: 50, intervalMs: 1_000 });
});

Deno.test("resolvePoolOptions() refuses limits on the queue that cannot be meant", () => {
  for (const maxWaiting of [0, 1.5, NaN]) {
    assertThrows(() => resolve({ maxWaiting }), RangeError, "maxWaiting");
  }
  const overloads: unknown[] = [
    {},
    { targetMs: 50 },
    { targetMs: 0, intervalMs: 1_000 },
    { targetMs: 50, intervalMs: Infinity },
    { targetMs: 50, intervalMs: 1_000, target: 5 },
  ];
  for (const overload of overloads) {
    assertThrows(
      () => resolve({ overload: overload as undefined }),
      RangeError,
      "overload",
    );
  }
  assertThrows(
    () => resolve({ overload: 50 as unknown as undefined }),
    TypeError,
    "overload",
  );
});
