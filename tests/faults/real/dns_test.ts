import {
  ConnectError,
  type Endpoint,
  type Pool,
  type PoolOptions,
  type WinterSocket,
} from "../../../mod.ts";
import { assert, assertEquals, assertRejects } from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import { fromDeno } from "../../support/gated_transport.ts";
import { poolTest, poolWorld, worldServer } from "../../support/pool_world.ts";
import { startProxy } from "../../support/proxy.ts";

const LOOPBACK = "127.0.0.1";

/** Where a name leads to. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/** Names, and what they stand for. */
class Names {
  readonly places = new Map<string, Place>();
  dials = 0;

  /** To be given to a pool as its transport. */
  readonly connect = async ({ host }: Endpoint): Promise<WinterSocket> => {
    this.dials++;
    const place = this.places.get(host);
    if (place === undefined) {
      const message = `getaddrinfo ENOTFOUND ${host}`;
      throw Object.assign(new Error(message), { code: "ENOTFOUND" });
    }
    const socket = await Deno.connect({
      hostname: place.host,
      port: place.port,
    });
    socket.setNoDelay(true);
    return fromDeno(socket);
  };

  options(host: string, more: PoolOptions = {}): PoolOptions {
    return { host, transport: this.connect, ssl: false, ...more };
  }
}

poolTest(
  "a name that does not exist fails who waits at once, and serves once it does",
  async (t) => {
    const names = new Names();
    await using world = poolWorld(t, names.options("db.test", { max: 3 }));
    const { pool } = world;
    const errors = await Promise.all(
      Array.from(
        { length: 10 },
        () => assertRejects(() => pool.acquire(), ConnectError),
      ),
    );
    for (const { kind, message } of errors) {
      assertEquals(kind, "dns");
      assert(message.includes("db.test"), message);
    }
    assert(names.dials <= 3, `${names.dials} look-ups`);
    names.places.set("db.test", worldServer);
    await eventually(
      "it serves",
      () => pool`select 1`.then(() => true, () => false),
    );
  },
);

poolTest("a bad name among several costs nobody anything", async (t) => {
  const names = new Names();
  names.places.set("second.test", worldServer);
  const host = "first.test,second.test";
  await using world = poolWorld(t, names.options(host, { max: 2 }));
  assertEquals((await world.pool`select 1 as one`)[0]?.one, 1);
  assertEquals(world.pool.stats().acquireFailures, 0);
  assertEquals(names.dials, 2);
});

poolTest(
  "a name that moves: refresh() takes every connection along, and no statement fails",
  async (t) => {
    await using before = await startProxy(worldServer);
    await using after = await startProxy(worldServer);
    const names = new Names();
    names.places.set("db.test", { host: LOOPBACK, port: before.port });
    await using world = poolWorld(t, names.options("db.test", { max: 4 }));
    const { pool } = world;
    await using held = await pool.acquire();
    await fill(pool);
    assertEquals(before.connections, 4);

    names.places.set("db.test", { host: LOOPBACK, port: after.port });
    pool.refresh();
    await fill(pool);
    assertEquals(after.accepted, 3);
    assertEquals((await held`select 1 as one`)[0]?.one, 1);
    await eventually("only the lease is left", () => before.connections === 1);
    await held.release();
    await eventually("all have moved", () => before.connections === 0);
    await fill(pool);
    assert(after.connections > 0);
    assertEquals(pool.stats().lost, 0);
  },
);

poolTest(
  "a name that moves away from a dead server: the pool follows by itself",
  async (t) => {
    await using before = await startProxy(worldServer);
    await using after = await startProxy(worldServer);
    const names = new Names();
    names.places.set("db.test", { host: LOOPBACK, port: before.port });
    await using world = poolWorld(t, names.options("db.test", { max: 4 }));
    const { pool } = world;
    await fill(pool);
    await before.refuse();
    before.cut("reset");
    const waiting = fill(pool);
    names.places.set("db.test", { host: LOOPBACK, port: after.port });
    await waiting;
    assertEquals(before.connections, 0);
    assertEquals(pool.stats().acquireFailures, 0);
  },
);

/** Uses as many connections as there may be. */
async function fill(pool: Pool): Promise<void> {
  const free = pool.stats().max - pool.stats().leased;
  const leases = await Promise.all(
    Array.from({ length: free }, () => pool.acquire()),
  );
  for (const lease of leases) {
    await lease`select 1`.catch(() => {});
    await lease.release();
  }
}
