import {
  ConnectError,
  type ConnectErrorKind,
  createPool,
  LeaseReleasedError,
  type Pool,
  PoolClosedError,
  type PoolOptions,
  TransactionFinishedError,
} from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { Fate } from "../support/fate.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startPostgres } from "../support/postgres_server.ts";

/** What a pool is refused for, and how. */
interface Refusal {
  readonly options: Record<string, unknown>;
  readonly error: typeof RangeError | typeof TypeError;
  readonly message: RegExp;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "an unknown option, with the nearest one": {
    options: { maxConections: 5 },
    error: TypeError,
    message: /^Cannot create the pool: .*"maxConections"/,
  },
  "a misspelt option, with the nearest one": {
    options: { acquireTimeoutMS: 5 },
    error: TypeError,
    message: /"acquireTimeoutMS".*"acquireTimeoutMs"/,
  },
  "an option of a wrong type": {
    options: { max: "10" },
    error: TypeError,
    message: /"max" must be an integer of at least 1, got .*string/,
  },
  "a hook that is no function": {
    options: { onConnect: "select 1" },
    error: TypeError,
    message: /"onConnect" must be a function/,
  },
  "a max of 0": {
    options: { max: 0 },
    error: RangeError,
    message: /"max" must be an integer of at least 1, got 0$/,
  },
  "a max that is no whole number": {
    options: { max: 1.5 },
    error: RangeError,
    message: /"max" must be an integer of at least 1, got 1\.5$/,
  },
  "a min above max": {
    options: { min: 5, max: 4 },
    error: RangeError,
    message: /"min" must be at most max \(4\), got 5$/,
  },
  "negative milliseconds": {
    options: { acquireTimeoutMs: -1 },
    error: RangeError,
    message: /"acquireTimeoutMs" must be .*milliseconds.*, got -1$/,
  },
  "milliseconds that are NaN": {
    options: { idleTimeoutMs: NaN },
    error: RangeError,
    message: /"idleTimeoutMs" must be .*milliseconds.*, got NaN$/,
  },
};

for (const [what, { options, error, message }] of Object.entries(REFUSALS)) {
  Deno.test(`createPool() refuses ${what}`, () => {
    const before = nextNumber();
    const thrown = assertThrows(
      () => createPool(worldServer.url, options as PoolOptions),
      error,
    );
    assertMatch(thrown.message, message);
    assertStyle(thrown);
    assertEquals(nextNumber(), before + 1, "a number was lost");
  });
}

for (
  const [url, message] of [
    ["postgres//localhost/shop", /: the URL must begin with postgres:\/\/ or /],
    ["mysql://localhost/shop", /: the URL must begin with postgres:\/\/ or /],
    ["", /: the URL must begin with postgres:\/\/ or /],
    ["postgres://localhost:port/shop", /: the URL is malformed: .* write %40 /],
    [
      "postgres://user:pass%word@localhost",
      /: the URL is malformed: .* write /,
    ],
  ] as const
) {
  Deno.test(`createPool() refuses the malformed URL ${JSON.stringify(url)}`, () => {
    const thrown = assertThrows(() => createPool(url), TypeError);
    assertMatch(thrown.message, message);
    assertStyle(thrown);
  });
}

/** The number that the next pool without a name gets; it takes that one. */
function nextNumber(): number {
  return Number(createPool(worldServer.url).name.replace("pool-", ""));
}

/** Capital, no full stop, action, colon, what is so. */
function assertStyle({ message }: Error): void {
  assertMatch(message, /^Cannot [a-z].*: .*[^.]$/s);
}

/** A pool that cannot be opened says so, to everybody, at once, and holds nothing. */
async function assertRefused(
  pool: Pool,
  kind: ConnectErrorKind,
  sqlState?: string,
): Promise<ConnectError> {
  const uses = [
    () => pool.acquire(),
    () => pool`select 1`,
    () => pool.begin(),
    () => pool.use(() => {}),
    () => pool.transaction(() => {}),
    () => pool.ready(),
  ];
  let last: ConnectError | undefined;
  for (const use of uses) {
    last = await assertRejects(async () => await use(), ConnectError);
    assertEquals(last.kind, kind);
    assertEquals(last.code, "CONNECT_FAILED");
    assertEquals(last.sqlState, sqlState);
    assertStyle(last);
  }
  const { total, waiting, acquireFailures, requests } = pool.stats();
  assertEquals({ total, waiting }, { total: 0, waiting: 0 });
  // Waiting for a warm pool is no request for a connection.
  assertEquals(acquireFailures, 5);
  assertEquals(requests, 5);
  return last!;
}

poolTest("an unknown host is told as such, at once", async () => {
  await using pool = createPool("postgres://nobody@nowhere.invalid/shop");
  const error = await assertRefused(pool, "dns");
  assertMatch(error.message, /nowhere\.invalid:5432: the host name/);
});

poolTest(
  "a refused port is tried until the deadline, and then is the cause",
  async () => {
    const url = "postgres://nobody@127.0.0.1:1/shop";
    await using pool = createPool(url, { acquireTimeoutMs: 200 });
    for (const use of [() => pool.acquire(), () => pool`select 1`]) {
      const error = await new Fate(use()).settled as Error & { code: string };
      assertEquals(error.code, "ACQUIRE_TIMEOUT");
      assertInstanceOf(error.cause, ConnectError);
      assertEquals(error.cause.kind, "refused");
      assertMatch(error.cause.message, /127\.0\.0\.1:1: .*ECONNREFUSED/);
      assert(error.message.includes(error.cause.message), error.message);
      assertStyle(error);
    }
    assertEquals(pool.stats().waiting, 0);
  },
);

Deno.test("what a server refuses is told by kind and SQLSTATE, and nothing is lost", async (t) => {
  await using server = await startPostgres({
    hba: [
      "host all postgres 127.0.0.1/32 trust",
      "host all all 127.0.0.1/32 scram-sha-256",
    ],
  });
  await using owner = poolWorld(t, { max: 2 }, { server });
  await owner.pool`create role keeper login password 'right'`;

  await t.step("a wrong password", async () => {
    const url = server.urlFor({ username: "keeper", password: "wrong" });
    await using pool = createPool(url);
    const error = await assertRefused(pool, "auth", "28P01");
    assertMatch(error.message, /password authentication failed.*28P01/);
  });
  await t.step("a password that becomes right", async () => {
    const passwords = ["wrong", "right"];
    const url = server.urlFor({ username: "keeper" });
    await using pool = createPool(url, {
      password: () => passwords.shift() ?? "right",
    });
    await assertRejects(() => pool.acquire(), ConnectError);
    const retry = async (): Promise<unknown> => {
      const row = await new Fate(pool`select 1 as one`).settled;
      return row instanceof ConnectError ? await retry() : row;
    };
    assertEquals([...await retry() as Iterable<unknown>], [{ one: 1 }]);
  });
  await t.step("an unknown role", async () => {
    const url = server.urlFor({ username: "nobody", password: "x" });
    await using pool = createPool(url);
    await assertRefused(pool, "auth", "28P01");
  });
  await t.step("an unknown database", async () => {
    await using pool = createPool(server.urlFor({ database: "nothing" }));
    const error = await assertRefused(pool, "auth", "3D000");
    assertMatch(error.message, /database "nothing" does not exist/);
  });
  await t.step("TLS to a server without it", async () => {
    await using pool = createPool(server.url, { ssl: "require" });
    const error = await assertRefused(pool, "tls");
    assertMatch(error.message, /TLS/);
  });
  await t.step("the server holds nothing of them, and works", async () => {
    assertEquals([...await owner.pool`select 1 as one`], [{ one: 1 }]);
    const rows = await owner.admin`
      select pid from pg_stat_activity
      where usename = 'keeper' or application_name = ''
        and backend_type = 'client backend'`;
    assertEquals(rows.length, 0);
  });
});

poolTest(
  "a transaction used after its commit is refused, and nothing is lost",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (const ending of ["commit", "rollback"] as const) {
      const tx = await pool.begin();
      await tx`select 1`;
      const lazy = tx`select 2`;
      await tx[ending]();
      const outcome = ending === "commit" ? "committed" : "rolled back";
      for (
        const use of [
          () => tx`select 1`,
          () => lazy,
          () => tx.unsafe("select 1"),
          () => tx.commit(),
          () => tx.rollback(),
          () => tx.savepoint(),
          () => tx.with({ timeoutMs: 5 })`select 1`,
        ]
      ) {
        const error = await assertRejects(
          async () => await use(),
          TransactionFinishedError,
          `the transaction was ${outcome}`,
        );
        assertEquals(error.code, "TRANSACTION_FINISHED");
        assertEquals(error.outcome, outcome);
        assertStyle(error);
      }
      await tx[Symbol.asyncDispose]();
    }
    assertEquals([...await pool`select 1 as one`], [{ one: 1 }]);
    assertEquals(pool.stats().opened, 1);
  },
);

poolTest(
  "a lease used after its scope is refused, and so is a query made before and awaited after",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const kept = await pool.use((lease) => ({
      lease,
      lazy: [lease`select 1`],
    }));
    const { lease, lazy } = kept;
    for (
      const use of [
        () => lease`select 1`,
        () => lazy[0]!,
        () => lease.unsafe("select 1"),
        () => lease.begin(),
        () => lease.transaction(() => {}),
        () => lease.with({ timeoutMs: 5 })`select 1`,
        () => Promise.resolve().then(() => lease.detach()),
      ]
    ) {
      const error = await assertRejects(
        async () => await use(),
        LeaseReleasedError,
        "this lease was released",
      );
      assertEquals(error.code, "LEASE_RELEASED");
      assertStyle(error);
    }
    await lease.release();
    lease.destroy();
    assertEquals([...await pool`select 1 as one`], [{ one: 1 }]);
    assertEquals(pool.stats().opened, 1);
    assertEquals(pool.stats().acquires, 1);
  },
);

poolTest("an acquire after close() is refused", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  await pool`select 1`;
  await pool.close();
  for (const use of [() => pool.acquire(), () => pool`select 1`]) {
    const error = await assertRejects(async () => await use(), PoolClosedError);
    assertEquals(error.code, "POOL_CLOSED");
    assertMatch(
      error.message,
      /^Cannot acquire a connection: pool-\d+ is closed$/,
    );
  }
  assertEquals(pool.stats().acquireClosed, 2);
});

poolTest(
  "an aborted signal rejects with its reason, and nothing is asked for",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const reason = new Error("Too late");
    const signal = AbortSignal.abort(reason);
    await using lease = await pool.acquire();
    const before = pool.stats();
    for (
      const use of [
        () => pool.acquire({ signal }),
        () => pool.use(() => {}, { signal }),
        () => pool.begin({ signal }),
        () => pool.transaction(() => {}, { signal }),
        () => pool.ready({ signal }),
        () => pool.with({ signal })`select 1`,
        () => lease.with({ signal })`select 1`,
        () => lease.begin({ signal }),
        () => lease.transaction(() => {}, { signal }),
      ]
    ) {
      assertEquals(await new Fate(use()).settled, reason);
    }
    assertEquals(pool.stats(), before);
    assertEquals([...await lease`select 1 as one`], [{ one: 1 }]);
  },
);

poolTest(
  "bad arguments of a call are refused, and nothing is lost",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await pool`select 1`;
    const before = pool.stats();
    // deno-lint-ignore no-explicit-any -- what is wrong with them is their type
    const wrong = (value: unknown): any => value;
    const calls: readonly [typeof TypeError, RegExp, () => unknown][] = [
      [
        RangeError,
        /"timeoutMs".*got -1/,
        () => pool.acquire({ timeoutMs: -1 }),
      ],
      [RangeError, /"timeoutMs".*NaN/, () => pool.acquire({ timeoutMs: NaN })],
      [TypeError, /"timeout"/, () => pool.acquire(wrong({ timeout: 5 }))],
      [TypeError, /"signal"/, () => pool.acquire(wrong({ signal: {} }))],
      [TypeError, /must be an object/, () => pool.acquire(wrong(5))],
      [TypeError, /readOnly/, () => pool.begin(wrong({ readOnly: "yes" }))],
      [TypeError, /got a number/, () => pool.begin(wrong({ isolation: 5 }))],
      [TypeError, /"retries"/, () => pool.begin(wrong({ retries: 2 }))],
      [TypeError, /must be an object/, () => pool.begin(wrong([]))],
      [TypeError, /"isolated"/, () => pool.begin(wrong({ isolated: true }))],
      [TypeError, /"readOnly"/, () => pool.begin(wrong({ readonly: true }))],
      [
        TypeError,
        /before its callback/,
        () => pool.begin(wrong(() => {}), wrong({ readOnly: true })),
      ],
      [
        TypeError,
        /must be a function/,
        () => pool.begin({ readOnly: true }, wrong("select 1")),
      ],
      [
        RangeError,
        /"retries".*got -1/,
        () => pool.transaction(() => {}, { retries: -1 }),
      ],
      [
        RangeError,
        /isolation/,
        () => pool.transaction(() => {}, wrong({ isolation: "high" })),
      ],
      [RangeError, /isolation/, () => pool.begin(wrong({ isolation: "high" }))],
      [RangeError, /"max".*got 0/, () => pool.resize({ max: 0 })],
      [RangeError, /"min".*at most max/, () => pool.resize({ min: 9 })],
      [TypeError, /"maximum"/, () => pool.resize(wrong({ maximum: 9 }))],
      [RangeError, /"timeoutMs"/, () => pool.close({ timeoutMs: -1 })],
      [TypeError, /"force"/, () => pool.close(wrong({ force: "yes" }))],
      [RangeError, /"timeoutMs"/, () => pool.with({ timeoutMs: -1 })],
      [
        TypeError,
        /no event "opened"/,
        () => pool.addEventListener(wrong("opened"), () => {}),
      ],
      [
        TypeError,
        /not a function/,
        () => pool.addEventListener("open", wrong(null)),
      ],
    ];
    for (const [expected, message, call] of calls) {
      const error = await assertRejects(async () => await call(), expected);
      assertMatch(error.message, message);
      assertStyle(error);
    }
    const { acquires, total, max, min } = pool.stats();
    assertEquals({ total, max, min }, {
      total: before.total,
      max: before.max,
      min: before.min,
    });
    assertEquals(acquires, before.acquires);
    const leases = [await pool.acquire(), await pool.acquire()];
    await Promise.all(leases.map((lease) => lease.release()));
  },
);

poolTest(
  "bad arguments within a transaction are refused, and it goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using tx = await world.pool.begin();
    // deno-lint-ignore no-explicit-any -- what is wrong with them is their type
    const wrong = (value: unknown): any => value;
    const calls: readonly [RegExp, () => unknown][] = [
      [/"isolated"/, () => tx.begin(wrong({ isolated: true }))],
      [
        /before its callback/,
        () => tx.begin(wrong(() => {}), wrong({ readOnly: true })),
      ],
      [
        /must be an object/,
        () => tx.transaction(wrong({}), wrong(() => {})),
      ],
      [/got undefined/, () => tx.prepare(wrong(undefined))],
    ];
    for (const [message, call] of calls) {
      const error = await assertRejects(async () => await call(), TypeError);
      assertMatch(error.message, message);
      assertStyle(error);
    }
    assertEquals([...await tx`select 1 as one`], [{ one: 1 }]);
    await tx.commit();
  },
);

poolTest(
  "a begin on the pool is refused before anything is sent",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    for (const text of ["begin", " START  transaction", "/* x */ BEGIN;"]) {
      const error = await assertRejects(async () => await pool.unsafe(text));
      assertEquals((error as { code?: string }).code, "UNSAFE_TRANSACTION");
      assertMatch(error.message, /pool\.begin\(\)/);
      assertStyle(error);
    }
    assertEquals(pool.stats().requests, 0);
    assertEquals(pool.stats().opened, 0);
  },
);
