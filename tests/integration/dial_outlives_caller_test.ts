import {
  AcquireTimeoutError,
  ConnectError,
  type SocketFactory,
} from "../../mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { GatedTransport } from "../support/gated_transport.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";
import { startProxy } from "../support/proxy.ts";

function refusal(): Error {
  return Object.assign(new Error("Refused"), { code: "ECONNREFUSED" });
}

poolTest(
  "Promise 4: a dial outlives its caller: slow dials still fill the pool",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, { max: 4, transport: gate.connect });
    const { pool } = world;
    await Promise.all(
      Array.from(
        { length: 4 },
        () =>
          assertRejects(
            () => pool.acquire({ timeoutMs: 20 }),
            AcquireTimeoutError,
          ),
      ),
    );
    assertEquals(pool.stats().connecting, 4);
    gate.openAll();
    await eventually("all four are idle", () => pool.stats().idle === 4);
    assertEquals((await world.pids()).length, 4);
    assertEquals(gate.begun, 4);
    const lease = pool.tryAcquire();
    assert(lease !== undefined);
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
    await lease.release();
  },
);

poolTest(
  "Promise 4: callers that come and go start no dial beyond those under way",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, { max: 2, transport: gate.connect });
    const { pool } = world;
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      const gone = pool.acquire({ signal: controller.signal });
      gone.catch(() => {});
      controller.abort();
    }
    await eventually("dials began", () => gate.begun > 0);
    assert(gate.begun <= 2, `${gate.begun} dials began`);
    gate.openAll();
    await eventually("they are idle", () => pool.stats().idle === gate.begun);
  },
);

poolTest(
  "Promise 4: whichever dial lands first serves whoever has waited longest",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, {
      max: 2,
      transport: gate.connect,
    });
    const { pool } = world;
    const order: string[] = [];
    const first = pool.acquire().then((lease) => {
      order.push("first");
      return lease;
    });
    const second = pool.acquire().then((lease) => {
      order.push("second");
      return lease;
    });
    await eventually("two dials began", () => gate.waiting.length === 2);
    gate.waiting.pop()!.open(); // the one that began last
    await first;
    assertEquals(order, ["first"]);
    gate.openAll();
    await (await second).release();
    await (await first).release();
  },
);

poolTest(
  "Promise 4: a failed dial does not strand the next waiter",
  async (t) => {
    const gate = new GatedTransport();
    await using world = poolWorld(t, { max: 1, transport: gate.connect });
    const { pool } = world;
    const impatient = assertRejects(
      () => pool.acquire({ timeoutMs: 10 }),
      AcquireTimeoutError,
    );
    const patient = pool.acquire();
    await eventually("a dial began", () => gate.waiting.length === 1);
    await impatient;
    gate.waiting.shift()!.fail(refusal());
    await eventually("another began", () => gate.waiting.length === 1);
    gate.openAll();
    await using lease = await patient;
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().openErrors, 1);
  },
);

poolTest(
  "Promise 4: seven dials of ten fail, and all 50 waiters are served",
  async (t) => {
    const gate = new GatedTransport();
    gate.isOpen = true;
    let dials = 0;
    const flaky: SocketFactory = (endpoint) => {
      if (dials++ % 10 < 7) return Promise.reject(refusal());
      return gate.connect(endpoint);
    };
    await using world = poolWorld(t, {
      max: 5,
      acquireTimeoutMs: 25_000,
      transport: flaky,
    });
    const { pool } = world;
    const served = await Promise.all(
      Array.from({ length: 50 }, () =>
        pool.use(async (connection) => {
          await connection`select 1`;
          return 1;
        })),
    );
    assertEquals(served.length, 50);
  },
);

poolTest(
  "Promise 4: a connection that is cut while it starts up is dialled again",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(t, { max: 1 }, { through: proxy });
    const { pool } = world;
    proxy.hold("replies");
    const asked = pool.acquire();
    await proxy.requested("user");
    proxy.cut("reset");
    proxy.release();
    await using lease = await asked;
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
    assertEquals(pool.stats().openErrors, 1);
  },
);

poolTest(
  "Promise 4: a dial that is never answered ends by connectTimeoutMs, and the next one serves",
  async (t) => {
    await using proxy = await startProxy(worldServer);
    await using world = poolWorld(
      t,
      { max: 1, connectTimeoutMs: 100 },
      { through: proxy },
    );
    const { pool } = world;
    proxy.blackHole();
    const asked = pool.acquire();
    await eventually("the dial failed", () => pool.stats().openErrors === 1);
    proxy.release();
    proxy.cut();
    await using lease = await asked;
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);

poolTest(
  "Promise 4: a dial that fails for good fails everybody who waits, and the next who comes dials anew",
  async (t) => {
    const gate = new GatedTransport();
    let password = "wrong";
    await using world = poolWorld(t, {
      max: 2,
      transport: gate.connect,
      password: () => {
        if (password === "wrong") throw new Error("No password today");
        return password;
      },
    });
    const { pool } = world;
    const errors = await Promise.all(
      Array.from(
        { length: 5 },
        () => assertRejects(() => pool.acquire(), ConnectError),
      ),
    );
    assertEquals(errors.map(({ kind }) => kind), errors.map(() => "auth"));
    password = "";
    gate.openAll();
    await using lease = await untilGranted(() => pool.acquire());
    assertEquals((await lease`select 1 as one`)[0]?.one, 1);
  },
);

/** Asks until it is not turned away: a pool may remember a failure for a moment. */
async function untilGranted<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
