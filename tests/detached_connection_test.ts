import { assemblePool } from "../src/pool_assembly.ts";
import { resolvePoolOptions } from "../src/pool_options.ts";
import { assertEquals } from "./support/assert.ts";
import { nextTurn } from "./support/eventually.ts";
import { FakeDriver } from "./support/fake_driver.ts";
import { fakeMaker } from "./support/fake_statement.ts";
import { ManualClock } from "./support/manual_clock.ts";

Deno.test("detach() answers a connection whose limits outlast the pool", async () => {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  const options = resolvePoolOptions({ username: "nobody", password: "" });
  const parts = { options, driver, clock, maker: fakeMaker };
  const pool = assemblePool(parts).public;
  const acquiring = pool.acquire();
  await nextTurn();
  [...driver.dials][0]!.open();
  const own = (await acquiring).detach();
  await pool.close();
  const asked = own.with({ timeoutMs: 30_000 })`select`;
  const answer = asked.then(() => "ok", ({ code }) => code);
  await nextTurn();
  clock.advance(30_000);
  assertEquals(await answer, "QUERY_TIMEOUT");
  driver.sessions.forEach((session) => session.destroy());
});
