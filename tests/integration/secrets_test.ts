import { createPool, type Pool, type PoolOptions } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { EVENT_TYPES } from "../support/event_types.ts";
import { eventually } from "../support/eventually.ts";
import { Fate } from "../support/fate.ts";
import { poolTest, type PoolWorld, poolWorld } from "../support/pool_world.ts";
import { startPostgres, type TestServer } from "../support/postgres_server.ts";

const PASSWORD = "s3cr3t-p4ssw0rd";
const WRONG = "wr0ng-p4ssw0rd";
const KEY = "k3y-m4t3r14l";
// In a URL, and as a server may echo it.
const SECRETS = [PASSWORD, WRONG, KEY];

/** All text that can be had from a value, however it is looked at. */
function* textsOf(value: unknown): Generator<string> {
  yield Deno.inspect(value, {
    depth: 1_000,
    showHidden: true,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
  });
  yield* walk(value, new Set());
}

/** Every string that is reachable through properties, hidden ones and getters too. */
function* walk(value: unknown, seen: Set<unknown>): Generator<string> {
  if (typeof value === "string") yield value;
  const isObject = typeof value === "object" && value !== null ||
    typeof value === "function";
  if (!isObject || seen.has(value)) return;
  seen.add(value);
  yield String(safely(() => JSON.stringify(value)));
  for (const key of Reflect.ownKeys(value)) {
    yield String(key);
    yield* walk(safely(() => Reflect.get(value, key)), seen);
  }
  const prototype = Object.getPrototypeOf(value);
  for (const key of prototype === null ? [] : Reflect.ownKeys(prototype)) {
    yield* walk(safely(() => Reflect.get(value, key)), seen);
  }
}

function safely(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

/** Fails if any secret can be read off `value`. */
function assertKeeps(what: string, value: unknown): void {
  for (const text of textsOf(value)) {
    for (const secret of SECRETS) {
      assert(!text.includes(secret), `${what} tells ${secret}`);
    }
  }
}

/** Everything that a pool says, from now on. */
class Told {
  readonly events: unknown[] = [];
  readonly types = new Set<string>();

  constructor(pool: Pool) {
    for (const type of EVENT_TYPES) {
      pool.addEventListener(type, (event) => {
        this.types.add(type);
        this.events.push(event);
      });
    }
  }
}

/** A server that asks for a password; trusts its superuser. */
async function strictServer(): Promise<TestServer> {
  return await startPostgres({
    hba: [
      "host all postgres 127.0.0.1/32 trust",
      "host all all 127.0.0.1/32 scram-sha-256",
    ],
  });
}

function strictWorld(
  test: { readonly name: string },
  server: TestServer,
  options: PoolOptions,
): PoolWorld {
  const username = "keeper";
  return poolWorld(test, { username, max: 3, ...options }, { server });
}

function inUrl(server: TestServer, password: string): string {
  return server.urlFor({ username: "keeper", password });
}

poolTest(
  "Promise 27: the password is in no error, event, stat or inspect output, at any depth",
  async (t) => {
    await using server = await strictServer();
    await using owner = poolWorld(t, { max: 1 }, { server });
    await owner.pool.unsafe(`create role keeper login password '${PASSWORD}'`);

    for (const password of [PASSWORD, () => PASSWORD]) {
      await t.step(`a password that is a ${typeof password}`, async () => {
        await using world = strictWorld(t, server, { password });
        const { pool } = world;
        const told = new Told(pool);
        await pool`select 1`;
        const lease = await pool.acquire();
        const tx = await pool.begin();
        const query = pool`select ${1}::int`;
        const late = await new Fate(pool.acquire({ timeoutMs: 1 })).settled;
        const fault = await new Fate(lease`select 1 / 0`).settled;
        const all = { lease, tx, query, late, fault, pool };
        for (const [what, value] of Object.entries(all)) {
          assertKeeps(what, value);
        }
        await query;
        const [pid] = await world.pids();
        await world.kill(pid!);
        await eventually("it is lost", () => told.types.has("lost"));
        assertKeeps("a loss", await new Fate(lease`select 1`).settled);
        await lease.release();
        await tx[Symbol.asyncDispose]();
        assertKeeps(
          "a released lease",
          await new Fate(lease`select 1`).settled,
        );
        assertKeeps("the stats", pool.stats());
        assertKeeps("the options", pool.options);
        await pool.close();
        assertKeeps("the events", told.events);
        assertKeeps("a closed pool", await new Fate(pool.acquire()).settled);
      });
    }
  },
);

poolTest(
  "Promise 27: a wrong password is in no error and no event",
  async (t) => {
    await using server = await strictServer();
    await using owner = poolWorld(t, { max: 1 }, { server });
    await owner.pool.unsafe(`create role keeper login password '${PASSWORD}'`);
    for (const way of ["option", "function", "URL"]) {
      await t.step(`in a ${way}`, async () => {
        await using pool = way === "URL"
          ? createPool(inUrl(server, WRONG))
          : createPool(server.urlFor({ username: "keeper" }), {
            password: way === "option" ? WRONG : () => Promise.resolve(WRONG),
          });
        const told = new Told(pool);
        for (const use of [pool.acquire(), pool`select 1`, pool.begin()]) {
          const error = await new Fate(use).settled;
          assertInstanceOf(error, Error);
          assertEquals((error as { sqlState?: string }).sqlState, "28P01");
          assertKeeps("the error", error);
        }
        assert(told.types.has("openerror") && told.types.has("acquireerror"));
        assertKeeps("the events", told.events);
        assertKeeps("the pool", pool);
      });
    }
  },
);

poolTest(
  "Promise 27: what is wrong with a URL is told without any of it",
  () => {
    const urls = [
      `http://keeper:${PASSWORD}@127.0.0.1/shop`,
      `postgres://keeper:${PASSWORD}%zz@127.0.0.1/shop`,
      `postgres://keeper:${PASSWORD}@127.0.0.1:99999999/shop`,
      `postgres://keeper:${PASSWORD}#x@127.0.0.1/shop`,
      `postgres://keeper:x?${PASSWORD}@127.0.0.1/shop`,
      `postgres://keeper:x/${PASSWORD}@127.0.0.1/shop`,
      `postgres://keeper:${PASSWORD}@127.0.0.1/shop?max=many`,
      `postgres://keeper:x@127.0.0.1/shop?sslmode=${PASSWORD}`,
      `postgres://keeper:${PASSWORD}@127.0.0.1/shop?sslkey=${KEY}`,
      ` ${PASSWORD}`,
    ];
    for (const url of urls) {
      const error = safely(() => createPool(url));
      assertInstanceOf(error, Error, url);
      assertKeeps(url, error);
    }
    return Promise.resolve();
  },
);

poolTest(
  "Promise 27: what is wrong with an option is told without a secret",
  () => {
    const wrong: readonly unknown[] = [
      { password: [PASSWORD] },
      { password: { text: PASSWORD } },
      { pasword: PASSWORD },
      { password: PASSWORD, pass: WRONG },
      { ssl: { key: KEY }, max: 0 },
      { password: `${PASSWORD}\0` },
      { ssl: KEY },
    ];
    for (const options of wrong) {
      const error = safely(() => createPool(options as PoolOptions));
      assertInstanceOf(error, Error);
      assertKeeps(Deno.inspect(error), error);
    }
    return Promise.resolve();
  },
);

poolTest(
  "Promise 27: a key is in no error and no event when TLS fails",
  async (t) => {
    await using server = await strictServer();
    for (const ssl of [{ key: KEY, cert: "no certificate" }, { ca: KEY }]) {
      await t.step(Object.keys(ssl).join(", "), async () => {
        await using pool = createPool(inUrl(server, PASSWORD), { ssl });
        const told = new Told(pool);
        const error = await new Fate(pool.acquire()).settled;
        assertInstanceOf(error, Error);
        assertKeeps("the error", error);
        assertKeeps("the events", told.events);
        assertKeeps("the pool", pool);
      });
    }
  },
);

poolTest(
  "Promise 27: what a password function throws costs only its own words",
  async () => {
    await using pool = createPool("postgres://keeper@127.0.0.1:1/shop", {
      password: () => Promise.reject(new Error("The vault is closed")),
    });
    const error = await new Fate(pool.acquire()).settled;
    assertInstanceOf(error, Error);
    assert(!error.message.includes("vault"), error.message);
    assertInstanceOf(error.cause, Error);
  },
);

Deno.test("the search for secrets finds what is hidden", () => {
  const hiding = [
    { deep: { deeper: [{ text: `x${PASSWORD}x` }] } },
    Object.defineProperty({}, "hidden", { value: PASSWORD }),
    new Error("An error", { cause: new Error(PASSWORD) }),
    Object.assign(() => {}, { options: { pass: PASSWORD } }),
    new (class {
      get pass() {
        return PASSWORD;
      }
    })(),
    new Map([["pass", PASSWORD]]),
  ];
  for (const value of hiding) {
    const error = safely(() => assertKeeps("it", value));
    assertInstanceOf(error, Error, Deno.inspect(value));
  }
});
