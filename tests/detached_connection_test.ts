import { assemblePool } from "../src/pool_assembly.ts";
import { resolvePoolOptions } from "../src/pool_options.ts";
import { assert, assertEquals } from "./support/assert.ts";
import { nextTurn } from "./support/eventually.ts";
import { FakeDriver } from "./support/fake_driver.ts";
import { fakeMaker } from "./support/fake_statement.ts";
import { ManualClock } from "./support/manual_clock.ts";

const CLOSE_TIMEOUT_MS = 500;

/** A detached connection of a pool that is closed, whose server never answers. */
async function detached() {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  const options = resolvePoolOptions({
    username: "nobody",
    password: "",
    closeTimeoutMs: CLOSE_TIMEOUT_MS,
  });
  const parts = { options, driver, clock, maker: fakeMaker };
  const pool = assemblePool(parts).public;
  const acquiring = pool.acquire();
  await nextTurn();
  [...driver.dials][0]!.open();
  const own = (await acquiring).detach();
  await pool.close();
  const [session] = driver.sessions;
  assert(session !== undefined);
  return { own, session, clock };
}

Deno.test("detach() answers a connection whose limits outlast the pool", async () => {
  const { own, session, clock } = await detached();
  const asked = own.with({ timeoutMs: 30_000 })`select`;
  const answer = asked.then(() => "ok", ({ code }) => code);
  await nextTurn();
  clock.advance(30_000);
  assertEquals(await answer, "QUERY_TIMEOUT");
  session.destroy();
});

Deno.test("release() of a detached connection ends within closeTimeoutMs", async () => {
  const { own, session, clock } = await detached();
  const released = own.release();
  clock.advance(CLOSE_TIMEOUT_MS - 1);
  assertEquals(session.isLost, false);
  clock.advance(1);
  assertEquals(session.isLost, true);
  await released;
});

Deno.test("destroy() of a detached connection cuts it at once", async () => {
  const { own, session } = await detached();
  own.destroy();
  assertEquals(session.isLost, true);
});
