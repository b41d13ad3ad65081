import {
  AcquireTimeoutError,
  ConnectError,
  QueryTimeoutError,
} from "../../../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import { poolWorld, worldServer } from "../../support/pool_world.ts";
import { startPostgres } from "../../support/postgres_server.ts";
import { faultWhere, freeze } from "./fault_case.ts";

const cannotSignal = worldServer.dataDir === undefined
  ? "the server is not one of ours"
  : Deno.build.os === "windows"
  ? "there is no SIGSTOP"
  : undefined;
const deadlines = {
  queryTimeoutMs: 150,
  releaseTimeoutMs: 150,
  closeTimeoutMs: 400,
};

faultWhere(
  cannotSignal,
  "a backend that is stopped costs its caller the deadline, and the pool one connection",
  async (t) => {
    await using world = poolWorld(t, { max: 2, ...deadlines });
    const { pool } = world;
    const lease = await pool.acquire();
    const { pid, signal } = lease;
    using frozen = freeze(pid);
    await assertRejects(async () => await lease`select 1`, QueryTimeoutError);
    await eventually("it is given up", () => signal.aborted);
    await lease.release();
    const others = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const other of others) {
      assertEquals((await other`select 1 as one`)[0]?.one, 1);
      assertNotEquals(other.pid, pid);
      await other.release();
    }
    frozen.thaw();
    await eventually(
      "the server has seen its end",
      async () => !(await world.pids()).includes(pid),
    );
  },
);

faultWhere(
  cannotSignal,
  "a backend that is stopped amid a transaction is left by its deadline, and rolled back when it goes on",
  async (t) => {
    await using world = poolWorld(t, { max: 1, ...deadlines });
    const { pool, admin } = world;
    const name = `t${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.unsafe(`create table ${name} (a int)`);
    const tx = await pool.begin();
    await tx.unsafe(`insert into ${name} values (1)`);
    const [row] = await tx`select pg_backend_pid() as pid`;
    {
      using _frozen = freeze(Number(row!["pid"]));
      await tx[Symbol.asyncDispose]();
      assertEquals(tx.outcome, "rolled back");
      assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    }
    assertEquals([...await admin.unsafe(`table ${name}`)], []);
    await admin.unsafe(`drop table ${name}`);
  },
);

faultWhere(
  cannotSignal,
  "a postmaster that is stopped leaves open sessions at work, and costs a dial its deadline",
  async (t) => {
    await using server = await startPostgres();
    await using world = poolWorld(t, {
      max: 2,
      connectTimeoutMs: 200,
      acquireTimeoutMs: 500,
    }, { server });
    const { pool } = world;
    await using held = await pool.acquire();
    {
      using _frozen = freeze(server.pid);
      const acquired = pool.acquire();
      assertEquals((await held`select 1 as one`)[0]?.one, 1);
      const error = await assertRejects(() => acquired, AcquireTimeoutError);
      assertInstanceOf(error.cause, ConnectError);
      assertEquals(error.cause.kind, "timeout");
      assertEquals((await held`select 2 as two`)[0]?.two, 2);
      assert(!held.signal.aborted);
    }
    await using second = await pool.acquire();
    assertEquals((await second`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().lost, 0);
  },
);
