import { ConnectionLostError } from "../../../mod.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import { poolTest, poolWorld } from "../../support/pool_world.ts";

/** Time-outs of the server's that end the session, and what leads to each. */
const ENDS = {
  "25P03": {
    setting: "idle_in_transaction_session_timeout",
    before: "begin",
  },
  "57P05": { setting: "idle_session_timeout", before: "select 1" },
  "25P04": { setting: "transaction_timeout", before: "begin" },
} as const;

for (const [sqlState, { setting, before }] of Object.entries(ENDS)) {
  poolTest(
    `${sqlState}: a lease that the server ends by ${setting} is lost, with why, and nobody else is`,
    async (t) => {
      await using world = poolWorld(t, { max: 2 });
      const { pool } = world;
      await using other = await pool.acquire();
      const lease = await pool.acquire();
      const { signal, pid } = lease;
      await lease.unsafe(`set ${setting} = '50ms'`);
      await lease.unsafe(before);
      await eventually("it is lost", () => signal.aborted);
      for (const use of [() => lease`select 1`, () => lease.begin()]) {
        const error = await assertRejects(
          async () => await use(),
          ConnectionLostError,
        );
        assertEquals([error.sent, error.sqlState], [false, sqlState]);
      }
      await lease.release();
      await using next = await pool.acquire();
      assertNotEquals(next.pid, pid);
      assertEquals((await next`select 1 as one`)[0]?.one, 1);
      assertEquals((await other`select 1 as one`)[0]?.one, 1);
      assertEquals(pool.stats().lost, 1);
    },
  );
}

poolTest(
  "57P05: sessions that the server ends while they are idle in the pool are nobody's error",
  async (t) => {
    await using world = poolWorld(t, {
      max: 3,
      connection: { idle_session_timeout: 50 },
    });
    const { pool } = world;
    const leases = await Promise.all([1, 2, 3].map(() => pool.acquire()));
    for (const lease of leases) await lease.release();
    await eventually("all are lost", () => pool.stats().lost >= 3);
    assertEquals(pool.stats().total, 0);
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    await using lease = await pool.acquire();
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "57014 and 55P03: a statement or a lock that takes too long is an error, and the session stays",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    const { pool, admin } = world;
    const name = `t${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.unsafe(`create table ${name} (a int)`);
    {
      await using holder = await pool.begin();
      await holder.unsafe(`lock table ${name}`);
      await using lease = await pool.acquire();
      const { pid } = lease;
      await lease`set statement_timeout = '50ms'`;
      assertEquals(await codeOf(() => lease`select pg_sleep(60)`), "57014");
      await lease`reset statement_timeout`;
      await lease`set lock_timeout = '50ms'`;
      assertEquals(
        await codeOf(() => lease.unsafe(`select * from ${name}`)),
        "55P03",
      );
      const failed = await codeOf(() =>
        lease.transaction((tx) => tx.unsafe(`select * from ${name}`))
      );
      assertEquals(failed, "55P03");
      const [row] = await lease`select pg_backend_pid() as pid`;
      assertEquals(row!["pid"], pid);
      assertEquals(lease.transactionStatus, "idle");
    }
    await admin.unsafe(`drop table ${name}`);
    assertEquals(pool.stats().lost, 0);
    assertEquals(pool.stats().opened, 2);
  },
);

/** The SQLSTATE that a query ends with. */
async function codeOf(query: () => PromiseLike<unknown>): Promise<unknown> {
  const error = await assertRejects(async () => await query());
  assertInstanceOf(error, Error);
  return (error as Error & { code?: unknown }).code;
}
