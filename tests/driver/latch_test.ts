import { Latch } from "../../src/driver/latch.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

Deno.test("Latch lets all who wait go when it opens", async () => {
  const latch = new Latch();
  const waiting = Promise.all([latch.wait(), latch.wait()]);
  latch.open();
  await waiting;
});

Deno.test("Latch gives all who wait the error when it cannot open any more", async () => {
  const latch = new Latch();
  const waiting = [latch.wait(), latch.wait()];
  latch.fail(new Error("Gone"));
  for (const wait of waiting) await assertRejects(() => wait, Error, "Gone");
});

Deno.test("Latch makes whoever comes after it opened wait for the next time", async () => {
  const latch = new Latch();
  latch.open();
  let isThrough = false;
  const wait = latch.wait().then(() => isThrough = true);
  await Promise.resolve();
  assertEquals(isThrough, false);
  latch.open();
  await wait;
});
