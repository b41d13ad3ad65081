/** A pool on a fake server behind a fault proxy, and what must be so at the end. */
import { createPool, type Pool, type PoolOptions } from "../../mod.ts";
import { assertEquals } from "../support/assert.ts";
import { eventually, nextTurn } from "../support/eventually.ts";
import {
  type FakeOptions,
  type FakePostgres,
  startFakePostgres,
} from "../support/fake_postgres.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault_proxy.ts";
import { assertBalanced, FaultWatch } from "../support/pool_world.ts";
import { learnContract } from "../support/server_contract.ts";

/** One pool, its way to the server, and the server. */
export interface FaultWorld extends AsyncDisposable {
  readonly pool: Pool;
  readonly proxy: FaultProxy;
  readonly server: FakePostgres;
  /** Why dials failed, in order. */
  readonly dialErrors: readonly Error[];
}

/** Sets one up, with a server of its own that knows the contract's statements. */
export async function faultWorld(
  options: PoolOptions = {},
  setUp: FakeOptions = {},
): Promise<FaultWorld> {
  const server = await startFakePostgres(setUp);
  learnContract(server);
  const proxy = await startFaultProxy(server);
  const watch = new FaultWatch();
  const pool = createPool(proxy.urlOf(server.url), { max: 1, ...options });
  const dialErrors: Error[] = [];
  pool.addEventListener("openerror", ({ error }) => dialErrors.push(error));
  return {
    pool,
    proxy,
    server,
    dialErrors,
    async [Symbol.asyncDispose]() {
      await pool.close();
      const { total, waiting } = pool.stats();
      assertEquals({ total, waiting }, { total: 0, waiting: 0 });
      assertBalanced(pool);
      await proxy[Symbol.asyncDispose]();
      await eventually("nobody is there", () => server.connections === 0);
      await server[Symbol.asyncDispose]();
      await nextTurn();
      watch.end();
      assertEquals(watch.seen, []);
    },
  };
}

/** Does something for each number below `count`, so many at a time. */
export async function forEachBelow(
  count: number,
  body: (number: number) => Promise<void>,
  atATime = 32,
): Promise<void> {
  let next = 0;
  async function work(): Promise<void> {
    while (next < count) {
      const number = next++;
      try {
        await body(number);
      } catch (cause) {
        next = count;
        throw new Error(`Cannot pass at ${number} of ${count}`, { cause });
      }
    }
  }
  await Promise.all(Array.from({ length: atATime }, work));
}
