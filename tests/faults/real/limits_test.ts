import { AcquireTimeoutError, ConnectError } from "../../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
} from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import { Fate } from "../../support/fate.ts";
import { poolTest, poolWorld } from "../../support/pool_world.ts";
import { startPostgres } from "../../support/postgres_server.ts";
import postgres from "postgres";

const server = await startPostgres({
  settings: {
    max_connections: "8",
    superuser_reserved_connections: "0",
    max_wal_senders: "0",
  },
});

/** Sessions of somebody else, as many as the server takes. */
class Crowd implements AsyncDisposable {
  readonly #sessions: postgres.Sql[] = [];

  async fill(url: string): Promise<this> {
    for (;;) {
      const sql = postgres(url, { max: 1, fetch_types: false, backoff: false });
      try {
        await sql`select 1`;
        this.#sessions.push(sql);
      } catch (error) {
        await sql.end({ timeout: 0 });
        assertEquals((error as { code?: unknown }).code, "53300");
        return this;
      }
    }
  }

  /** Lets one go. */
  async leave(): Promise<void> {
    await this.#sessions.pop()!.end({ timeout: 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sessions.map((sql) => sql.end({ timeout: 1 })));
  }
}

poolTest(
  "a server with no place left: who holds one goes on, who waits is served by a return or a place that frees",
  async (t) => {
    await using world = poolWorld(t, { max: 4, acquireTimeoutMs: 5_000 }, {
      server,
    });
    const { pool } = world;
    await world.admin`select 1`;
    const first = await pool.acquire();
    {
      await using crowd = await new Crowd().fill(server.url);
      const second = new Fate(pool.acquire());
      await eventually("it was refused", () => pool.stats().openErrors > 0);
      assertEquals((await first`select 1 as one`)[0]?.one, 1);
      assert(!second.isSettled);
      await first.release();
      const lease = await second.settled as typeof first;
      assertEquals((await lease`select 2 as two`)[0]?.two, 2);
      const third = new Fate(pool.acquire());
      await crowd.leave();
      const other = await third.settled as typeof first;
      assertEquals((await other`select 3 as three`)[0]?.three, 3);
      await other.release();
      await lease.release();
    }
    assertEquals(pool.stats().acquireFailures, 0);
    const { openErrors } = pool.stats();
    assert(openErrors < 30, `${openErrors} dials at a server that is full`);
  },
);

poolTest(
  "a server with no place left, and none in the pool: the deadline's cause is 53300",
  async (t) => {
    await using world = poolWorld(t, { max: 4, acquireTimeoutMs: 300 }, {
      server,
    });
    const { pool } = world;
    await world.admin`select 1`;
    {
      await using _crowd = await new Crowd().fill(server.url);
      const error = await new Fate(pool.acquire()).settled;
      assertInstanceOf(error, AcquireTimeoutError);
      assertInstanceOf(error.cause, ConnectError);
      assertEquals(
        [error.cause.kind, error.cause.sqlState],
        ["capacity", "53300"],
      );
    }
    // The crowd takes its time to leave, and the pool its time to dial again.
    await using lease = await pool.acquire({ timeoutMs: 20_000 });
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);
