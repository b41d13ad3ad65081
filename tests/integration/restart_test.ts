import type { PoolOptions } from "../../mod.ts";
import { ConnectionLostError } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { startPostgres, type StopMode } from "../support/postgres_server.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

poolTest(
  "Promise 14: what the pool saw die is never granted: idle backends killed 20 times",
  async (t) => {
    await using world = poolWorld(t, { max: 5, validateAfterIdleMs: 60_000 });
    const { pool } = world;
    for (let round = 0; round < 20; round++) {
      const leases = await Promise.all(
        Array.from({ length: 5 }, () => pool.acquire()),
      );
      const pids = leases.map(({ pid }) => pid);
      await Promise.all(leases.map((lease) => lease.release()));
      const victims = pids.slice(0, 1 + round % 5);
      const lost = pool.stats().lost;
      await world.kill(...victims);
      await eventually(
        "the pool saw it",
        () => pool.stats().lost === lost + victims.length,
      );
      assertEquals(pool.stats().idle, 5 - victims.length);
      const again = await Promise.all(
        Array.from({ length: 5 }, () => pool.acquire()),
      );
      for (const lease of again) {
        assert(!victims.includes(lease.pid), "a dead one was granted");
        assertEquals((await lease`select 1 as one`)[0]?.one, 1);
      }
      await Promise.all(again.map((lease) => lease.release()));
    }
  },
);

poolTest(
  "Promise 14: what died unseen is found out by the ping, and the caller is not told",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(
      t,
      { max: 3, validateAfterIdleMs: 0, closeTimeoutMs: 500 },
      { through: proxy },
    );
    const { pool } = world;
    await Promise.all(
      [1, 2, 3].map(() =>
        pool.use((connection) => connection`select pg_sleep(0.01)`)
      ),
    );
    const before = pool.stats().opened;
    assertEquals(pool.stats().idle, before);
    proxy.blackHole(); // those that stand are gone, and nobody says so
    proxy.release();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const lease = await pool.acquire();
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
    await lease.release();
    assert(pool.stats().opened > before);
    proxy.cut();
  },
);

const MODES: readonly StopMode[] = ["fast", "immediate"];

for (const mode of MODES) {
  poolTest(
    `Promise 14: after a server restart (${mode}) the first acquire of each kind succeeds`,
    async (t) => {
      await using server = await startPostgres();
      const options: PoolOptions = { max: 4 };
      await using world = poolWorld(t, options, { server });
      const { pool } = world;
      const firsts: (() => Promise<unknown>)[] = [
        () => pool.use((connection) => connection`select 1`),
        async () => await pool`select 1`,
        () => pool.transaction((tx) => tx`select 1`),
      ];
      for (const first of firsts) {
        await Promise.all(
          Array.from(
            { length: 4 },
            () => pool.use((connection) => connection`select pg_sleep(0.01)`),
          ),
        );
        const lost = pool.stats().lost;
        const { idle } = pool.stats();
        await server.stop(mode);
        await eventually(
          "the pool saw it",
          () => pool.stats().lost === lost + idle,
        );
        assertEquals(pool.stats().idle, 0);
        await server.start();
        await first();
      }
      await world.admin.end({ timeout: 0 });
    },
  );

  poolTest(
    `Promise 14: who waits while the server restarts (${mode}) is served when it is back`,
    async (t) => {
      await using server = await startPostgres();
      await using world = poolWorld(t, { max: 4, acquireTimeoutMs: 25_000 }, {
        server,
      });
      const { pool } = world;
      const held = await pool.acquire();
      await held`begin`;
      const running = held`select pg_sleep(60)`.execute();
      running.catch(() => {});
      await server.stop(mode);
      const loss = await running.catch((error) => error);
      assertInstanceOf(loss, ConnectionLostError);
      assert(held.signal.aborted);
      await held.release();
      const waiting = Array.from(
        { length: 20 },
        (_, index) =>
          index % 2 === 0
            ? pool.use((connection) => connection`select 1`)
            : pool`select 1`.execute(),
      );
      await eventually("a dial failed", () => pool.stats().openErrors > 0);
      await server.start();
      await Promise.all(waiting);
      assert(
        pool.stats().opened <= 1 + 4,
        `${pool.stats().opened} were opened`,
      );
    },
  );
}
