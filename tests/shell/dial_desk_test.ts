import { assemblePool } from "../../src/pool_assembly.ts";
import { resolvePoolOptions } from "../../src/pool_options.ts";
import { assertEquals } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { FakeDriver } from "../support/fake_driver.ts";
import { fakeMaker } from "../support/fake_statement.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("a second host that does not answer is told as that, though onConnect threw on the first", async () => {
  const clock = new ManualClock();
  const driver = new FakeDriver({}, 2);
  const options = resolvePoolOptions({
    username: "nobody",
    password: "",
    connectTimeoutMs: 500,
    onConnect() {
      throw new Error("Too old");
    },
  });
  const parts = { options, driver, clock, maker: fakeMaker };
  const pool = assemblePool(parts).public;
  const told: string[] = [];
  pool.addEventListener("openerror", ({ error }) => told.push(error.message));
  pool.acquire().catch(() => {});
  await nextTurn();
  [...driver.dials][0]!.open();
  await nextTurn();
  clock.advance(500);
  await nextTurn();
  assertEquals(told, [
    "Too old",
    "Cannot open a connection: no answer within 500 ms",
  ]);
  await pool.close({ force: true });
});

Deno.test("close() cuts what a dial has opened, when its onConnect and its server do not end in time", async () => {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  const options = resolvePoolOptions({
    username: "nobody",
    password: "",
    closeTimeoutMs: 400,
    async onConnect(connection) {
      await connection`select pg_sleep(60)`;
    },
  });
  const parts = { options, driver, clock, maker: fakeMaker };
  const pool = assemblePool(parts).public;
  pool.acquire().catch(() => {});
  await nextTurn();
  [...driver.dials][0]!.open();
  await nextTurn();
  const closed = pool.close();
  await nextTurn();
  clock.advance(300);
  await nextTurn();
  assertEquals(driver.sessions.size, 1);
  clock.advance(100);
  await closed;
  assertEquals(driver.sessions.size, 0);
});
