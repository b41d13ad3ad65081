import {
  ConnectionLostError,
  type ConnectionLostPhase,
  type PooledConnection,
  type Sql,
} from "../../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
} from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
  worldServer,
} from "../../support/pool_world.ts";
import { faultWhere, freeze } from "./fault_case.ts";

const cannotSignal = worldServer.dataDir === undefined
  ? "the server is not one of ours"
  : undefined;

/** What a session is at when it is ended. */
interface Work {
  readonly phase?: ConnectionLostPhase;
  /** Resolves, or rejects, when its caller hears of the end. */
  run(lease: PooledConnection, table: string): Promise<unknown>;
  /** What the server says of it by then. */
  readonly state: string;
}

const WORKS: Record<string, Work> = {
  "idle": {
    phase: "idle",
    state: "idle",
    run: (lease) => untilLost(lease),
  },
  "idle in a transaction": {
    phase: "idle",
    state: "idle in transaction",
    async run(lease) {
      await lease`begin`;
      await untilLost(lease);
    },
  },
  "idle in a failed transaction": {
    phase: "idle",
    state: "idle in transaction (aborted)",
    async run(lease) {
      await lease`begin`;
      await lease`select 1 / 0`.catch(() => {});
      await untilLost(lease);
    },
  },
  "running a statement": {
    phase: "query",
    state: "active",
    run: async (lease) => await lease`select pg_sleep(60)`,
  },
  "running several statements": {
    phase: "query",
    state: "active",
    run: async (lease) =>
      await lease.unsafe("select 1; select pg_sleep(60); select 2"),
  },
  "committing": {
    phase: "commit",
    state: "active",
    async run(lease, table) {
      await using tx = await lease.begin();
      await tx`insert into ${tx(table)} values (1)`;
      await tx.commit();
    },
  },
  "amid a COPY to the server": {
    state: "active",
    async run(lease, table) {
      const writable = await lease`copy ${lease(table)} from stdin`.writable();
      const ended = new Promise((_, fail) => writable.on("error", fail));
      writable.write("1\n");
      await ended;
    },
  },
};

for (const [name, work] of Object.entries(WORKS)) {
  poolTest(
    `a backend that is terminated while ${name} is one caller's loss, with its 57P01`,
    async (t) => {
      await using world = poolWorld(t, { max: 4 });
      await using table = await slowToCommit(world);
      await using bystanders = new Bystanders(world.pool);
      const { pid } = await killAmid(world, work, table.name);
      await using next = await world.pool.acquire();
      assertEquals((await next`select 1 as one`)[0]?.one, 1);
      assertNotEquals(next.pid, pid);
      assertEquals(await bystanders.stop(), []);
      assertEquals(await table.count(), 0);
      assertEquals(world.pool.stats().lost, 1);
    },
  );
}

poolTest(
  "a backend that is terminated amid a cursor ends the cursor with its 57P01",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    const error = await failure(async () => {
      const cursor = lease`select generate_series(1, 1000) as n`.cursor(1);
      for await (const [row] of cursor) {
        if (row!["n"] === 3) await world.kill(lease.pid);
      }
    });
    assertInstanceOf(error, ConnectionLostError);
    assertEquals(error.sqlState, "57P01");
  },
);

faultWhere(
  cannotSignal,
  "a backend that is terminated before it reads BEGIN is told as a loss of the BEGIN",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const lease = await world.pool.acquire();
    using frozen = freeze(lease.pid);
    const begun = failure(() => lease.begin());
    await world.admin`select pg_terminate_backend(${lease.pid}::int)`;
    frozen.thaw();
    const error = await begun;
    assertInstanceOf(error, ConnectionLostError);
    assertEquals([error.phase, error.sqlState], ["begin", "57P01"]);
    await lease.release();
    await using tx = await world.pool.begin();
    assertEquals((await tx`select 1 as one`)[0]?.one, 1);
  },
);

/** Ends a session while it works, and checks what its caller heard. */
async function killAmid(
  world: PoolWorld,
  { phase, state, run }: Work,
  table: string,
): Promise<{ pid: number }> {
  await using lease = await world.pool.acquire();
  const { pid } = lease;
  const heard = failure(() => run(lease, table));
  await eventually(`it is ${state}`, async () => {
    const [row] = await world.admin`
      select state, query from pg_stat_activity where pid = ${pid}`;
    return row!["state"] === state &&
      (phase !== "commit" || row!["query"] === "commit");
  });
  await world.kill(pid);
  const error = await heard;
  assertInstanceOf(error, ConnectionLostError, `${error}`);
  assertEquals(
    [error.phase, error.sqlState],
    [phase ?? error.phase, "57P01"],
  );
  assertEquals(error.sent, state === "active");
  return { pid };
}

/** Rejects with why, once the connection is lost. */
function untilLost({ signal }: PooledConnection): Promise<never> {
  return new Promise((_, fail) =>
    signal.addEventListener("abort", () => fail(signal.reason))
  );
}

/** A table whose commit never ends. */
async function slowToCommit({ admin }: PoolWorld) {
  const name = `t${crypto.randomUUID().replaceAll("-", "")}`;
  await admin.unsafe(`
    create table ${name} (a int);
    create function ${name}_wait() returns trigger language plpgsql as
      $$ begin perform pg_sleep(60); return null; end $$;
    create constraint trigger wait after insert on ${name}
      deferrable initially deferred for each row
      execute function ${name}_wait();`);
  return {
    name,
    async count() {
      const [row] = await admin.unsafe(`select count(*)::int from ${name}`);
      return row!["count"] as number;
    },
    async [Symbol.asyncDispose]() {
      await admin.unsafe(`drop table ${name}; drop function ${name}_wait`);
    },
  };
}

/** Callers who have nothing to do with it, and must not hear of it. */
class Bystanders implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #errors: unknown[] = [];
  readonly #all: Promise<unknown>;

  constructor(sql: Sql) {
    this.#all = Promise.all([1, 2, 3].map((n) => this.#run(sql, n)));
  }

  /** What they should not have heard. */
  async stop(): Promise<unknown[]> {
    this.#controller.abort();
    await this.#all;
    return this.#errors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(sql: Sql, n: number): Promise<void> {
    while (!this.#controller.signal.aborted) {
      try {
        const [row] = await sql`select ${n}::int as n, pg_sleep(0.002)`;
        assert(row!["n"] === n);
      } catch (error) {
        this.#errors.push(error);
      }
    }
  }
}

async function failure(body: () => Promise<unknown>): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    return error;
  }
  throw new Error("Cannot tell the failure: there was none");
}
