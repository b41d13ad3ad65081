import { assertEquals, assertRejects } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { fakedPool } from "../support/faked_pool.ts";

Deno.test("queries that are answered in one packet leave their connection together", async () => {
  const { pool, driver } = fakedPool({ max: 1 });
  await pool`select 1`;
  const both = Promise.all([pool`select 2`, pool`select 3`]);
  await undefined;
  await undefined;
  const [session] = driver.sessions;
  assertEquals([session!.line.length, pool.stats().shared], [2, 1]);
  session!.answer("ok", 2);
  assertEquals([pool.stats().idle, pool.stats().shared], [1, 0]);
  await both;
  await pool.close();
});

Deno.test("a query that was given up before it was written is not run elsewhere", async () => {
  const { pool, driver } = fakedPool({ max: 1 });
  await pool`select 1`;
  const [session] = driver.sessions;
  session!.isCorked = true;
  const controller = new AbortController();
  const limited = pool.with({ signal: controller.signal });
  const given = assertRejects(() => limited`select 2`, Error, "Enough");
  await nextTurn();
  assertEquals(session!.line.map(({ text }) => text), ["select 2"]);
  controller.abort(new Error("Enough"));
  session!.lose({ cause: undefined, sqlState: undefined });
  await given;
  await nextTurn();
  assertEquals([pool.stats().resent, driver.sessions.size], [0, 0]);
  await pool.close();
});
