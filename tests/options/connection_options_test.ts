import {
  type PoolOptions,
  type ResolvedPoolOptions,
  resolvePoolOptions,
} from "../../src/pool_options.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertThrows,
} from "../support/assert.ts";

const SECRET = "s3cr3t";

/** Resolves in an environment of its own; `me` owns the process. */
function resolve(
  url?: string | URL | PoolOptions,
  options?: PoolOptions,
  env: Readonly<Record<string, string>> = {},
): ResolvedPoolOptions {
  return resolvePoolOptions(
    url,
    options,
    (name) => ({ USER: "me", ...env })[name],
  );
}

/** The addresses as short texts. */
function addresses({ endpoints }: ResolvedPoolOptions): string[] {
  return endpoints.map(({ host, port, path }) => path ?? `${host} ${port}`);
}

function assertMalformed(url: string): void {
  const error = assertThrows(() => resolve(url), TypeError);
  assertEquals(
    error.message,
    "Cannot create the pool: the URL is malformed: a port is a number up to " +
      "65535, and in a user name or password write %40 for @, %2F for /, " +
      "%23 for #, %3F for ?, %25 for %",
  );
  assertEquals(error.cause, undefined);
}

Deno.test("resolvePoolOptions() connects to localhost:5432 when nothing is said", () => {
  assertEquals(resolve().endpoints, [{ host: "localhost", port: 5432 }]);
});

Deno.test("resolvePoolOptions() takes user, password, host, port and database from a URL", () => {
  for (const scheme of ["postgres", "postgresql"]) {
    const options = resolve(`${scheme}://ann:${SECRET}@db:6000/shop`);
    assertEquals(addresses(options), ["db 6000"]);
    assertEquals(options.username, "ann");
    assertEquals(options.password, SECRET);
    assertEquals(options.database, "shop");
  }
});

Deno.test("resolvePoolOptions() takes a URL object", () => {
  const options = resolve(new URL("postgres://ann@db:6000/shop"));
  assertEquals(addresses(options), ["db 6000"]);
  assertEquals(options.database, "shop");
});

Deno.test("resolvePoolOptions() decodes every part of a URL", () => {
  const options = resolve("postgres://a%40n:p%2F%3A%25@db/sh%20op");
  assertEquals(options.username, "a@n");
  assertEquals(options.password, "p/:%");
  assertEquals(options.database, "sh op");
});

Deno.test("resolvePoolOptions() splits a URL at the last @", () => {
  const options = resolve("postgres://ann:p@ss@db/shop");
  assertEquals(options.password, "p@ss");
  assertEquals(addresses(options), ["db 5432"]);
});

Deno.test("resolvePoolOptions() keeps the order and the ports of several hosts", () => {
  const options = resolve("postgres://h1:5433,h2,[::1]:5434,[fe80::1]/shop");
  assertEquals(addresses(options), [
    "h1 5433",
    "h2 5432",
    "::1 5434",
    "fe80::1 5432",
  ]);
});

Deno.test("resolvePoolOptions() takes hosts from options as in the driver", () => {
  assertEquals(addresses(resolve({ host: "a:1,b" })), ["a 1", "b 5432"]);
  assertEquals(addresses(resolve({ host: ["a", "b"], port: 7 })), [
    "a 7",
    "b 7",
  ]);
  assertEquals(addresses(resolve({ host: ["a", "b"], port: [1, 2] })), [
    "a 1",
    "b 2",
  ]);
  assertEquals(addresses(resolve({ hostname: "::1", port: 7 })), ["::1 7"]);
});

Deno.test("resolvePoolOptions() refuses ports that do not match the hosts", () => {
  assertThrows(
    () => resolve({ host: ["a", "b", "c"], port: [1, 2] }),
    TypeError,
    "2 ports are given for 3 hosts",
  );
});

Deno.test("resolvePoolOptions() refuses a port that is none", () => {
  for (const port of [0, 65_536, -1, 1.5, NaN]) {
    assertThrows(
      () => resolve({ port }),
      RangeError,
      `option "port" must be an integer from 1 to 65535, or one for each host, got ${port}`,
    );
  }
});

Deno.test("resolvePoolOptions() takes a host that starts with / as the folder of a socket", () => {
  assertEquals(resolve({ host: "/run/pg", port: 7 }).endpoints, [
    { host: "/run/pg", port: 7, path: "/run/pg/.s.PGSQL.7" },
  ]);
  const expected = ["/run/pg/.s.PGSQL.5432"];
  assertEquals(addresses(resolve("postgres://%2Frun%2Fpg/shop")), expected);
  assertEquals(addresses(resolve("postgres:///shop?host=/run/pg")), expected);
});

Deno.test("resolvePoolOptions() takes a path as it is, before any host", () => {
  assertEquals(resolve({ path: "/run/x.sock", host: "db" }).endpoints, [
    { host: "/run", port: 5432, path: "/run/x.sock" },
  ]);
});

Deno.test("resolvePoolOptions() takes a port without a host from a URL", () => {
  assertEquals(addresses(resolve("postgres://:6000/shop")), ["localhost 6000"]);
});

Deno.test("resolvePoolOptions() names the database after the user", () => {
  assertEquals(resolve("postgres://ann@db").database, "ann");
  assertEquals(resolve({ user: "bob" }).database, "bob");
});

Deno.test("resolvePoolOptions() lets options win over the URL", () => {
  const options = resolve("postgres://ann:x@db:6000/shop?max=3", {
    username: "bob",
    password: "y",
    port: 7,
    database: "test",
    max: 4,
  });
  assertEquals(addresses(options), ["db 7"]);
  assertEquals(options.username, "bob");
  assertEquals(options.password, "y");
  assertEquals(options.database, "test");
  assertEquals(options.max, 4);
});

Deno.test("resolvePoolOptions() lets a URL's parameters win over what stands before them", () => {
  const options = resolve("postgres://ann@a/x?user=bob&host=b&port=7&dbname=y");
  assertEquals(addresses(options), ["b 7"]);
  assertEquals(options.username, "bob");
  assertEquals(options.database, "y");
});

Deno.test("resolvePoolOptions() reads options in a URL as what they are", () => {
  const options = resolve(
    "postgres://db?max=3&idle_timeout=5&prepare=false&connect_timeout=2" +
      "&maxUses=Infinity&reset=session&target_session_attrs=standby",
  );
  assertEquals(options.max, 3);
  assertEquals(options.idleTimeoutMs, 5_000);
  assertEquals(options.connectTimeoutMs, 2_000);
  assertEquals(options.maxUses, Infinity);
  assertEquals(options.reset, "session");
  assertEquals(options.driver.prepare, false);
  assertEquals(options.targetSessionAttrs, "standby");
});

Deno.test("resolvePoolOptions() passes a URL's other parameters on to the server", () => {
  const url =
    "postgres://db?application_name=app&options=-c%20a%3D1&TimeZone=UTC";
  assertEquals(resolve(url).driver.connection, {
    application_name: "app",
    options: "-c a=1",
    TimeZone: "UTC",
  });
});

Deno.test("resolvePoolOptions() lets the option connection win over the URL's parameters", () => {
  const options = resolve("postgres://db?TimeZone=UTC&DateStyle=ISO", {
    connection: { TimeZone: "PST" },
  });
  assertEquals(options.driver.connection.TimeZone, "PST");
  assertEquals(options.driver.connection.DateStyle, "ISO");
});

Deno.test("resolvePoolOptions() refuses a malformed URL without showing it", () => {
  assertMalformed(`postgres://ann:${SECRET}%ZZ@db`);
  assertMalformed(`postgres://ann:${SECRET}%00@db`);
  assertMalformed(`postgres://ann@db:${SECRET}`);
  assertMalformed(`postgres://ann@db:0/shop`);
  assertMalformed(`postgres://ann@db:65536/shop`);
  assertMalformed("postgres://[::1/shop");
  assertMalformed("postgres://a,,b/shop");
});

Deno.test("resolvePoolOptions() says how a URL must begin, without showing it", () => {
  for (const url of ["", "db/shop", `http://ann:${SECRET}@db`]) {
    const error = assertThrows(() => resolve(url), TypeError);
    assertEquals(
      error.message,
      "Cannot create the pool: the URL must begin with postgres:// or " +
        "postgresql://",
    );
    assertEquals(error.cause, undefined);
  }
});

Deno.test("resolvePoolOptions() does not mistake half a password for a host", () => {
  assertMalformed(`postgres://ann:12/${SECRET}@db/shop`);
  assertMalformed(`postgres://ann:12?${SECRET}@db/shop`);
  assertMalformed(`postgres://ann:12#${SECRET}@db/shop`);
});

Deno.test("resolvePoolOptions() never shows the value of a URL's parameter", () => {
  for (const name of ["max", "ssl", "sslmode", "reset", "prepare", "types"]) {
    const url = `postgres://db?${name}=${SECRET}`;
    const error = assertThrows(() => resolve(url), Error, "URL parameter");
    assert(!error.message.includes(SECRET), error.message);
  }
});

Deno.test("resolvePoolOptions() does not use TLS unless it is told to", () => {
  const { mode, negotiation, options } = resolve().tls;
  assertEquals({ mode, negotiation, options }, {
    mode: "disable",
    negotiation: "postgres",
    options: {},
  });
});

Deno.test("resolvePoolOptions() reads ssl as the driver does", () => {
  const modes = new Map<PoolOptions["ssl"], string>([
    [false, "disable"],
    [null, "disable"],
    [true, "verify-full"],
    ["disable", "disable"],
    ["allow", "prefer"],
    ["prefer", "prefer"],
    ["require", "require"],
    ["verify-ca", "verify-ca"],
    ["verify-full", "verify-full"],
    [{ ca: "text" }, "verify-full"],
    [{ rejectUnauthorized: false }, "require"],
  ]);
  for (const [ssl, mode] of modes) {
    assertEquals(resolve({ ssl }).tls.mode, mode, String(ssl));
  }
});

Deno.test("resolvePoolOptions() passes TLS options on, but for what the mode says", () => {
  const ssl = { ca: "ca", key: SECRET, rejectUnauthorized: true };
  assertEquals(resolve({ ssl }).tls.options, { ca: "ca", key: SECRET });
  const trusting = { ca: "ca", rejectUnauthorized: false };
  assertEquals(resolve({ ssl: trusting }).tls.options, {});
});

Deno.test("resolvePoolOptions() refuses an option that a URL gives twice, under whatever name", () => {
  const pairs = [["sslmode", "ssl"], ["database", "dbname"], [
    "ssl",
    "sslmode",
  ]];
  for (const [one, other] of pairs) {
    assertThrows(
      () => resolve(`postgres://db?${one}=require&${other}=prefer`),
      TypeError,
      `Cannot create the pool: URL parameters "${one}" and "${other}" are two names of one thing`,
    );
  }
  assertThrows(
    () => resolve("postgres://db?max=5&max=6"),
    TypeError,
    'Cannot create the pool: the URL has two parameters for "max"',
  );
  assertThrows(
    () => resolve("postgres://db?sslrootcert=system&sslmode=require&ssl=false"),
    TypeError,
    '"sslmode" and "ssl" are two names of one thing',
  );
});

Deno.test("resolvePoolOptions() refuses a start-up parameter that a URL gives twice", () => {
  for (const name of ["application_name", "search_path", "options"]) {
    assertThrows(
      () => resolve(`postgres://db?${name}=a&${name}=b`),
      TypeError,
      `Cannot create the pool: the URL has two parameters for "${name}"`,
    );
  }
  assertMalformed(`postgres://ann:12?${SECRET}&${SECRET}=@db/shop`);
});

Deno.test("resolvePoolOptions() names a URL's parameter as it was written", () => {
  for (const [name, text] of [["sslmode", SECRET], ["dbname", ""]]) {
    assertThrows(
      () => resolve(`postgres://db?${name}=${text}`),
      RangeError,
      `Cannot create the pool: URL parameter "${name}" must be`,
    );
  }
});

Deno.test("resolvePoolOptions() reads sslmode and ssl in a URL", () => {
  assertEquals(resolve("postgres://db?sslmode=require").tls.mode, "require");
  assertEquals(resolve("postgres://db?ssl=true").tls.mode, "verify-full");
  assertEquals(resolve("postgres://db?ssl=false").tls.mode, "disable");
});

Deno.test("resolvePoolOptions() lets TLS options keep verify-ca from the URL", () => {
  const ssl = { ca: "ca" };
  assertEquals(
    resolve("postgres://db?sslmode=verify-ca", { ssl }).tls.mode,
    "verify-ca",
  );
  assertEquals(
    resolve("postgres://db?sslmode=prefer", { ssl }).tls.mode,
    "verify-full",
  );
});

Deno.test("resolvePoolOptions() verifies in full with the system's certificates", () => {
  for (
    const rest of ["sslrootcert=system", "sslrootcert=system&sslmode=require"]
  ) {
    const { tls, driver } = resolve(`postgres://db?${rest}`);
    assertEquals(tls.mode, "verify-full");
    assertEquals(Object.keys(driver.connection), ["application_name"]);
  }
});

Deno.test("resolvePoolOptions() asks for the text of a certificate, not its path", () => {
  for (
    const [name, key] of [["sslrootcert", "ca"], ["sslcert", "cert"], [
      "sslkey",
      "key",
    ]]
  ) {
    assertThrows(
      () => resolve(`postgres://db?${name}=/etc/x.pem`),
      TypeError,
      `the URL parameter "${name}" is not supported: pass the ${
        key === "key" ? "key" : "certificate"
      }'s text in ssl: { ${key} }`,
    );
  }
});

Deno.test("resolvePoolOptions() refuses channel binding only where it is required", () => {
  const { connection } = resolve("postgres://db?channel_binding=prefer").driver;
  assertEquals(Object.keys(connection), ["application_name"]);
  assertThrows(
    () => resolve("postgres://db?channel_binding=require"),
    TypeError,
    'the URL parameter "channel_binding" is not supported',
  );
});

Deno.test("resolvePoolOptions() starts TLS at once only where TLS is needed", () => {
  const url = "postgres://db?sslnegotiation=direct&sslmode=";
  assertEquals(resolve(`${url}require`).tls.negotiation, "direct");
  assertThrows(
    () => resolve(`${url}prefer`),
    TypeError,
    'option "sslnegotiation" is "direct", which needs option "ssl" to be "require" or stricter, not "prefer"',
  );
});

Deno.test("resolvePoolOptions() takes any server unless told which", () => {
  assertEquals(resolve().targetSessionAttrs, undefined);
  for (const any of [null, "any"] as const) {
    const options = resolve({ target_session_attrs: any });
    assertEquals(options.targetSessionAttrs, undefined);
  }
});

Deno.test("resolvePoolOptions() reads libpq's environment variables", () => {
  const options = resolve(undefined, undefined, {
    PGHOST: "a,b",
    PGPORT: "1,2",
    PGUSER: "ann",
    PGPASSWORD: SECRET,
    PGDATABASE: "shop",
    PGSSLMODE: "verify-full",
    PGSSLNEGOTIATION: "direct",
    PGAPPNAME: "app",
    PGOPTIONS: "-c a=1",
    PGCONNECT_TIMEOUT: "7",
    PGTARGETSESSIONATTRS: "primary",
  });
  assertEquals(addresses(options), ["a 1", "b 2"]);
  assertEquals(options.username, "ann");
  assertEquals(options.password, SECRET);
  assertEquals(options.database, "shop");
  assertEquals(options.tls.mode, "verify-full");
  assertEquals(options.tls.negotiation, "direct");
  assertEquals(options.connectTimeoutMs, 7_000);
  assertEquals(options.targetSessionAttrs, "primary");
  assertEquals(options.driver.connection, {
    application_name: "app",
    options: "-c a=1",
  });
});

Deno.test("resolvePoolOptions() looks for a user name in PGUSER, PGUSERNAME, USER, LOGNAME, USERNAME", () => {
  const env: Record<string, string> = {};
  for (const name of ["USERNAME", "LOGNAME", "USER", "PGUSERNAME", "PGUSER"]) {
    env[name] = name.toLowerCase();
    const { username } = resolvePoolOptions({}, undefined, (key) => env[key]);
    assertEquals(username, name.toLowerCase());
  }
});

Deno.test("resolvePoolOptions() reads no variable whose option was given", () => {
  const asked: string[] = [];
  const url = "postgres://ann:x@db:1/shop?sslmode=disable&connect_timeout=3";
  resolvePoolOptions(url, {
    connection: { application_name: "app" },
    target_session_attrs: "any",
  }, (name) => void asked.push(name));
  assertEquals(asked, ["PGSSLNEGOTIATION", "PGOPTIONS"]);
});

Deno.test("resolvePoolOptions() does not ask for a host when there is a path", () => {
  const asked: string[] = [];
  resolvePoolOptions(
    { path: "/run/x.sock", user: "ann" },
    undefined,
    (name) => void asked.push(name),
  );
  assert(!asked.includes("PGHOST"));
});

Deno.test("resolvePoolOptions() names a bad variable without its value", () => {
  for (
    const name of [
      "PGPORT",
      "PGSSLMODE",
      "PGCONNECT_TIMEOUT",
      "PGTARGETSESSIONATTRS",
    ]
  ) {
    const error = assertThrows(() =>
      resolve({}, undefined, { [name]: SECRET })
    );
    assertMatch(
      error.message,
      new RegExp(`environment variable "${name}" must be`),
    );
    assert(!error.message.includes(SECRET), error.message);
  }
});
