import {
  ConnectionLostError,
  LeaseReleasedError,
  type Pool,
  PoolClosedError,
  type PooledConnection,
  type PoolOptions,
  type Transaction,
  TransactionFinishedError,
} from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest, type PoolWorld, poolWorld } from "../support/pool_world.ts";

/** A handle that a scope disposes of. */
type Handle = PooledConnection | Transaction;

/** A way to get a handle, and everything that it stands on, which goes with it. */
interface Kind {
  readonly name: string;
  open(pool: Pool, stack: AsyncDisposableStack): Promise<Handle>;
}

const KINDS: readonly Kind[] = [
  { name: "a lease", open: (pool) => pool.acquire() },
  { name: "a transaction", open: (pool) => pool.begin() },
  {
    name: "a transaction of a lease",
    open: async (pool, stack) => await stack.use(await pool.acquire()).begin(),
  },
  {
    name: "a savepoint",
    open: async (pool, stack) =>
      await stack.use(await pool.begin()).savepoint(),
  },
  {
    name: "a savepoint in a savepoint",
    open: async (pool, stack) => {
      const tx = stack.use(await pool.begin());
      return await stack.use(await tx.savepoint()).savepoint();
    },
  },
];

/** A test of every kind of handle, on a pool of one connection. */
function handleTest(
  promise: string,
  body: (place: Place) => Promise<void>,
  options: PoolOptions = {},
): void {
  for (const kind of KINDS) {
    poolTest(`${kind.name}: ${promise}`, async (t) => {
      await using world = poolWorld(t, { max: 1, ...options });
      await body(new Place(world, kind));
      assertEquals(world.pool.stats().leased, 0, "something is still leased");
      assertEquals((await world.pool`select 1 as one`)[0]?.one, 1);
    });
  }
}

/** Where a handle is opened and watched. */
class Place {
  readonly world: PoolWorld;
  readonly pool: Pool;
  readonly #kind: Kind;

  constructor(world: PoolWorld, kind: Kind) {
    this.world = world;
    this.pool = world.pool;
    this.#kind = kind;
  }

  /** Opens a handle; what it stands on is left when it is. */
  async open(): Promise<{ handle: Handle } & AsyncDisposable> {
    const stack = new AsyncDisposableStack();
    const handle = stack.use(await this.#kind.open(this.pool, stack));
    return { handle, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  /** Ends the session of a handle, and waits until the pool has heard of it. */
  async kill(handle: Handle): Promise<void> {
    const [row] = await handle`select pg_backend_pid() as pid`;
    const { lost } = this.pool.stats();
    await this.world.kill(Number(row!["pid"]));
    await eventually("the loss is known", () => this.pool.stats().lost > lost);
  }
}

const own = new Error("The body's own");

handleTest("what the body throws is what its caller gets", async (place) => {
  const error = await failure(async () => {
    await using scope = await place.open();
    await scope.handle`select 1`;
    throw own;
  });
  assertStrictEquals(error, own);
  assertEquals(place.pool.stats().opened, 1, "the connection was kept");
});

handleTest("its end meets a dead session and says nothing", async (place) => {
  await using scope = await place.open();
  await place.kill(scope.handle);
});

handleTest(
  "what the body throws stays on top when the session is dead",
  async (place) => {
    const error = await failure(async () => {
      await using scope = await place.open();
      await place.kill(scope.handle);
      throw own;
    });
    assertStrictEquals(error, own);
  },
);

handleTest(
  "what the body throws stays on top when the session dies amid its statement",
  async (place) => {
    const error = await failure(async () => {
      await using scope = await place.open();
      const query = scope.handle`select pg_sleep(60)`.execute();
      query.catch(() => {});
      const pids = () => place.world.pids();
      await eventually("it runs", async () => (await pids()).length === 1);
      void place.world.kill(...await pids());
      await query;
    });
    assertInstanceOf(error, ConnectionLostError);
    assertEquals(error.phase, "query");
  },
);

handleTest(
  "a failed statement is the body's error, and no second one comes of it",
  async (place) => {
    const error = await failure(async () => {
      await using scope = await place.open();
      await scope.handle`select 1 / 0`;
    });
    assertEquals((error as { code?: unknown }).code, "22012");
    assertEquals(place.pool.stats().opened, 1, "the connection was kept");
  },
);

handleTest("an early return ends it", async (place) => {
  async function firstRow(): Promise<unknown> {
    await using scope = await place.open();
    return (await scope.handle`select 7 as n`)[0]!["n"];
  }
  assertEquals(await firstRow(), 7);
  assertEquals(place.pool.stats().leased, 0);
});

handleTest("break and continue end it", async (place) => {
  for (let round = 0; round < 3; round++) {
    await using scope = await place.open();
    await scope.handle`select 1`;
    if (round === 0) continue;
    break;
  }
  assertEquals(place.pool.stats().leased, 0);
  assertEquals(place.pool.stats().acquires, 2);
});

handleTest("a generator that is abandoned ends it", async (place) => {
  async function* rows() {
    await using scope = await place.open();
    for (let n = 0;; n++) yield (await scope.handle`select ${n}::int as n`)[0];
  }
  for await (const row of rows()) {
    assertEquals(place.pool.stats().leased, 1);
    if (row!["n"] === 2) break;
  }
  assertEquals(place.pool.stats().leased, 0);
  const second = rows();
  await second.next();
  assertStrictEquals(await failure(() => second.throw(own)), own);
  assertEquals(place.pool.stats().leased, 0);
});

handleTest("a cursor that is left ends with its scope", async (place) => {
  await using scope = await place.open();
  const cursor = scope.handle`select generate_series(1, 100) as n`.cursor(10);
  for await (const rows of cursor) {
    assertEquals(rows.length, 10);
    break;
  }
});

handleTest("disposed of twice, it ends once", async (place) => {
  {
    await using scope = await place.open();
    await using _again = scope.handle;
    await using _third = scope.handle;
  }
  assertEquals(place.pool.stats().use.count, 1);
  assertEquals(place.pool.stats().idle, 1);
});

handleTest("disposed of by many at once, it ends once", async (place) => {
  const scope = await place.open();
  const ends = Array.from(
    { length: 20 },
    () => scope.handle[Symbol.asyncDispose](),
  );
  await Promise.all([...ends, scope[Symbol.asyncDispose]()]);
  await using next = await place.pool.acquire();
  await Promise.all(ends);
  await scope.handle[Symbol.asyncDispose]();
  assertEquals((await next`select 1 as one`)[0]?.one, 1);
  assertEquals(place.pool.stats().leased, 1, "it ended somebody else's lease");
});

handleTest("escaped from its scope, it reaches no wire", async (place) => {
  let escaped: Handle | undefined;
  let late: Promise<unknown> | undefined;
  {
    await using scope = await place.open();
    escaped = scope.handle;
    const lazy = scope.handle`select pg_backend_pid()`;
    late = Promise.resolve().then(async () => {
      await eventually("it left", () => place.pool.stats().leased === 0);
      return await lazy;
    });
    late.catch(() => {});
  }
  assert(isOver(await failure(() => late)), "a lazy query ran");
  await using next = await place.pool.acquire();
  const uses: (() => PromiseLike<unknown>)[] = [
    () => escaped`select 1`,
    () => escaped.unsafe("select 1"),
    () => escaped.begin(),
    () => escaped.reserve(),
  ];
  for (const use of uses) assert(isOver(await failure(use)), String(use));
  assertEquals(next.transactionStatus, "idle");
});

handleTest(
  "in an AsyncDisposableStack it ends with the stack",
  async (place) => {
    const order: string[] = [];
    await using outer = new AsyncDisposableStack();
    {
      await using stack = new AsyncDisposableStack();
      const { handle } = stack.use(await place.open());
      stack.defer(() => void order.push("before it"));
      await handle`select 1`;
      outer.use(stack.move());
    }
    assertEquals(place.pool.stats().leased, 1, "what was moved is still there");
    await outer.disposeAsync();
    assertEquals(order, ["before it"]);
    assertEquals(place.pool.stats().leased, 0);
  },
);

handleTest(
  "an acquire that fails amid a scope leaves nothing of what came before",
  async (place) => {
    const controller = new AbortController();
    const error = await failure(async () => {
      await using _scope = await place.open();
      const second = place.pool.acquire({ signal: controller.signal });
      controller.abort(own);
      await using _second = await second;
    });
    assertStrictEquals(error, own);
    assertEquals(place.pool.stats().waiting, 0);
  },
);

poolTest(
  "several handles in one scope end from the last to the first",
  async (t) => {
    await using world = poolWorld(t, { max: 3 });
    const { pool } = world;
    const opened: number[] = [];
    const released: number[] = [];
    pool.addEventListener("release", ({ pid }) => released.push(pid));
    {
      await using first = await pool.acquire();
      await using second = await pool.acquire();
      await using third = await pool.acquire();
      opened.push(first.pid, second.pid, third.pid);
    }
    assertEquals(released, opened.toReversed());
  },
);

poolTest(
  "a disposer that fails between two handles keeps neither from ending",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    const failed = new Error("The disposer's own");
    const error = await failure(async () => {
      await using _first = await pool.acquire();
      await using stack = new AsyncDisposableStack();
      stack.defer(() => Promise.reject(failed));
      await using _tx = await pool.begin();
      throw own;
    });
    assertInstanceOf(error, SuppressedError);
    assertStrictEquals(error.error, failed);
    assertStrictEquals(error.suppressed, own);
    assertEquals(pool.stats().idle, 2);
  },
);

poolTest(
  "one dead session among several in a scope keeps none from being returned",
  async (t) => {
    await using world = poolWorld(t, { max: 3 });
    const { pool } = world;
    {
      await using _first = await pool.acquire();
      await using second = await pool.acquire();
      await using tx = await pool.begin();
      await tx`select 1`;
      const { signal } = second;
      await world.kill(second.pid);
      await eventually("it is lost", () => signal.aborted);
    }
    const { idle, leased, lost } = pool.stats();
    assertEquals({ idle, leased, lost }, { idle: 2, leased: 0, lost: 1 });
  },
);

poolTest(
  "a transaction, its lease and the pool in one scope end in that order",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    let outcome: string | undefined;
    let lease: PooledConnection | undefined;
    {
      await using pool = world.pool;
      await using connection = lease = await pool.acquire();
      await using tx = await connection.begin();
      await using savepoint = await tx.savepoint();
      await savepoint`create table never_there (a int)`;
      const { signal } = connection;
      signal.addEventListener("abort", () => outcome = tx.outcome);
    }
    assertEquals(outcome, "rolled back");
    assertEquals(await world.pids(), []);
    const [row] = await world.admin`select to_regclass('never_there') as name`;
    assertEquals(row!["name"], null);
    await assertRejects(async () => await lease!`select 1`, LeaseReleasedError);
    await assertRejects(() => world.pool.acquire(), PoolClosedError);
  },
);

poolTest(
  "what the body throws is on top of the end of the pool, and what escaped is cut",
  async (t) => {
    await using world = poolWorld(t, { max: 2, closeTimeoutMs: 100 });
    let escaped: PooledConnection | undefined;
    const error = await failure(async () => {
      await using pool = world.pool;
      escaped = await pool.acquire();
      throw own;
    });
    assertStrictEquals(error, own);
    assertEquals(world.pool.stats().total, 0);
    await assertRejects(async () => await escaped!`select 1`);
    await escaped![Symbol.asyncDispose]();
  },
);

poolTest(
  "a pool that is disposed of twice, and by many at once, is closed once",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool } = world;
    await pool`select 1`;
    let closed = 0;
    pool.addEventListener("closed", () => closed++);
    {
      await using _first = pool;
      await using _second = pool;
      await Promise.all([1, 2, 3].map(() => pool[Symbol.asyncDispose]()));
    }
    assertEquals(closed, 1);
  },
);

poolTest(
  "a commit that was refused is the body's error, not hidden by the scope's end",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const error = await failure(async () => {
      await using tx = await pool.begin();
      await tx`
        create temp table twice (a int unique deferrable initially deferred)
        on commit drop`;
      await tx`insert into twice values (1), (1)`;
      await tx.commit();
    });
    assertEquals((error as { code?: unknown }).code, "23505");
    assertEquals(pool.stats().opened, 1);
    assertEquals(pool.stats().leased, 0);
  },
);

poolTest(
  "a savepoint that is left undoes its own part, and its transaction goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await using tx = await pool.begin();
    await tx`create temp table kept (a int) on commit drop`;
    const error = await failure(async () => {
      await using savepoint = await tx.savepoint();
      await savepoint`insert into kept values (1)`;
      await savepoint`select 1 / 0`;
    });
    assertEquals((error as { code?: unknown }).code, "22012");
    await tx`insert into kept values (2)`;
    assertEquals([...await tx`select a from kept`], [{ a: 2 }]);
  },
);

poolTest(
  "what escaped from its scope does not run in what is around it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    let escapedTx: Transaction | undefined;
    {
      await using tx = escapedTx = await lease.begin();
      let escapedSavepoint: Transaction | undefined;
      {
        await using savepoint = escapedSavepoint = await tx.savepoint();
        await savepoint`select 1`;
      }
      assertInstanceOf(
        await failure(() => escapedSavepoint`select 1`),
        TransactionFinishedError,
      );
      assertEquals(lease.transactionStatus, "open");
      await tx.commit();
    }
    assertInstanceOf(
      await failure(() => escapedTx`select 1`),
      TransactionFinishedError,
    );
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "a lease that is released amid the scopes of its transactions hides no error",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const error = await failure(async () => {
      await using lease = await pool.acquire();
      await using tx = await lease.begin();
      await using _savepoint = await tx.savepoint();
      await lease.release();
      throw own;
    });
    assertStrictEquals(error, own);
    assertEquals(pool.stats().leased, 0);
  },
);

/** Whether an error says that a handle is no longer of use. */
function isOver(error: unknown): boolean {
  return error instanceof LeaseReleasedError ||
    error instanceof TransactionFinishedError;
}

/** What a body rejects with. */
async function failure(body: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    return error;
  }
  throw new Error("Cannot tell the failure: there was none");
}
