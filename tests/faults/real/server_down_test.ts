import {
  AcquireTimeoutError,
  ConnectError,
  ConnectionLostError,
  type Pool,
} from "../../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
} from "../../support/pool_world.ts";
import { startPostgres } from "../../support/postgres_server.ts";

// A commit that was acknowledged must be there after a crash.
const server = await startPostgres({
  settings: { synchronous_commit: "on" },
});
for (const mode of ["fast", "immediate"] as const) {
  poolTest(
    `a ${mode} restart under load runs nothing twice, loses no commit, and ends by itself`,
    async (t) => {
      await using world = poolWorld(t, { max: 5 }, { server });
      const { pool, admin } = world;
      await using table = await makeTable(world);
      await using load = new Load(pool, table.name);
      await eventually("there is load", () => load.acknowledged.size > 50);
      await server.stop(mode);
      await eventually("all are lost", () => pool.stats().lost >= 1);
      await server.start();
      const before = load.acknowledged.size;
      await eventually(
        "the load goes on",
        () => load.acknowledged.size > before + 50,
        15_000,
      );
      await load.stop();
      const rows = await admin<{ id: number; count: number }[]>`
        select id, count(*)::int as count from ${admin(table.name)}
        group by id`;
      const counts = new Map(rows.map(({ id, count }) => [id, count]));
      assertEquals(rows.filter(({ count }) => count !== 1), [], "ran twice");
      const missing = [...load.acknowledged].filter((id) => !counts.has(id));
      assertEquals(missing, [], "acknowledged and not there");
      const ghosts = [...load.surelyNot].filter((id) => counts.has(id));
      assertEquals(ghosts, [], "told as never sent, and there");
      assertEquals(load.unexplained, []);
    },
  );
}

poolTest(
  "a server that stays down costs each caller its own deadline, and few dials",
  async (t) => {
    await using world = poolWorld(t, { max: 5, acquireTimeoutMs: 600 }, {
      server,
    });
    const { pool } = world;
    await using held = await pool.acquire();
    await server.stop("fast");
    try {
      const lost = await assertRejects(
        async () => await held`select 1`,
        ConnectionLostError,
      );
      assertEquals(lost.sqlState, "57P01");
      const errors = await Promise.all(
        Array.from({ length: 20 }, () => pool.acquire().catch((e) => e)),
      );
      for (const error of errors) {
        assertInstanceOf(error, AcquireTimeoutError);
        assertInstanceOf(error.cause, ConnectError);
        assertEquals(error.cause.kind, "refused");
      }
      // A dial for each connection that may be, and then one at a time.
      const { openErrors } = pool.stats();
      assert(openErrors <= 5 + 8, `${openErrors} dials in 600 ms`);
    } finally {
      await server.start();
    }
    // The next probe may be further away than the deadline of those before.
    await using back = await pool.acquire({ timeoutMs: 10_000 });
    assertEquals((await back`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "a backend that crashes takes all sessions with it: each is lost once, hears a 57P02, and who waits is served",
  async (t) => {
    await using world = poolWorld(t, { max: 4 }, { server });
    const { pool } = world;
    const leases = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    const [victim, ...others] = leases;
    const farewells: unknown[] = [];
    pool.addEventListener("notice", ({ notice }) => {
      farewells.push(notice["code"]);
    });
    const running = others.map((lease) =>
      assertRejects(
        async () => await lease`select pg_sleep(60)`,
        ConnectionLostError,
      )
    );
    const waiting = Array.from(
      { length: 10 },
      (_, n) => pool.use((lease) => lease`select ${n}::int as n`),
    );
    await eventually("all run", async () => {
      const rows = await world.admin`
        select from pg_stat_activity where query like 'select pg_sleep%'
        and state = 'active'`;
      return rows.length === 3;
    });
    Deno.kill(victim!.pid, "SIGKILL");
    // The server says why in a warning, not in an error.
    for (const error of await Promise.all(running)) {
      const { phase, sent, sqlState } = error;
      assertEquals([phase, sent, sqlState], ["query", true, "57P02"]);
    }
    assertEquals(farewells, ["57P02", "57P02", "57P02"]);
    await eventually("its end is noticed", () => victim!.signal.aborted);
    const own = await assertRejects(
      async () => await victim!`select 1`,
      ConnectionLostError,
    );
    assertEquals(own.sent, false);
    for (const lease of leases) await lease.release();
    const rows = await Promise.all(waiting);
    assertEquals(rows.map(([row]) => row?.n), rows.map((_, n) => n));
    assertEquals(pool.stats().lost, 4);
    assertEquals(pool.stats().acquireFailures, 0);
  },
);

/** Callers who insert a number each, once, in every way there is. */
class Load implements AsyncDisposable {
  readonly acknowledged = new Set<number>();
  /** Told that it was not sent. */
  readonly surelyNot = new Set<number>();
  readonly unexplained: unknown[] = [];
  readonly #stop = new AbortController();
  readonly #all: Promise<unknown>;
  #last = 0;

  constructor(pool: Pool, table: string) {
    const ways: ((id: number) => Promise<unknown>)[] = [
      async (id) => await pool`insert into ${pool(table)} values (${id})`,
      (id) => pool.use((sql) => sql`insert into ${sql(table)} values (${id})`),
      async (id) => {
        await using tx = await pool.begin();
        await tx`insert into ${tx(table)} values (${id})`;
        await tx.commit();
      },
    ];
    const callers = Array.from({ length: 15 }, (_, n) => ways[n % 3]!);
    this.#all = Promise.all(callers.map((way) => this.#run(way)));
  }

  stop(): Promise<unknown> {
    this.#stop.abort();
    return this.#all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(insert: (id: number) => Promise<unknown>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const id = ++this.#last;
      try {
        await insert(id);
        this.acknowledged.add(id);
      } catch (error) {
        if (!(error instanceof ConnectionLostError)) {
          this.unexplained.push(error);
        } else if (!error.sent) this.surelyNot.add(id);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

async function makeTable({ admin }: PoolWorld) {
  const name = `t${crypto.randomUUID().replaceAll("-", "")}`;
  await admin.unsafe(`create table ${name} (id int)`);
  return {
    name,
    async [Symbol.asyncDispose]() {
      await admin.unsafe(`drop table ${name}`);
    },
  };
}
