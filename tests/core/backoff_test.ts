import { Backoff, backoffMs } from "../../src/core/backoff.ts";
import { assert, assertEquals } from "../support/assert.ts";

Deno.test("backoffMs() doubles from 50 ms up to 5 s", () => {
  const longest = [1, 2, 3, 7, 8, 2_000].map((n) => backoffMs(n, 1));
  assertEquals(longest, [50, 100, 200, 3_200, 5_000, 5_000]);
});

Deno.test("backoffMs() waits between half and all of it, by chance", () => {
  assertEquals(backoffMs(3, 0), 100);
  assertEquals(backoffMs(3, 0.5), 150);
});

Deno.test("Backoff.allowance() sets no limit while all is well", () => {
  const backoff = new Backoff();
  backoff.succeed();
  assertEquals(backoff.allowance(0, 100), Infinity);
});

Deno.test("Backoff.allowance() is one at a time during an outage, and none before the retry time", () => {
  const backoff = new Backoff();
  backoff.fail(0, 10, 1, "refused", false);
  assertEquals(backoff.retryAt, 60);
  assertEquals(backoff.allowance(59, 0), 0);
  assertEquals(backoff.allowance(60, 0), 1);
  assertEquals(backoff.allowance(60, 1), 0);
  assertEquals(backoff.allowance(60, 5), 0);
});

Deno.test("Backoff.allowance() doubles with each dial that succeeds after an outage", () => {
  const backoff = new Backoff();
  backoff.fail(0, 10, 1, "refused", false);
  const allowed = [1, 2, 3].map(() => {
    backoff.succeed();
    return backoff.allowance(10, 0);
  });
  assertEquals(allowed, [2, 4, 8]);
  assertEquals(backoff.allowance(10, 3), 5);
});

Deno.test("Backoff.fail() counts dials that were under way together as one round", () => {
  const backoff = new Backoff();
  backoff.fail(0, 10, 1, "first", false);
  backoff.fail(5, 11, 1, "second", false);
  backoff.fail(10, 12, 1, "third", false);
  assertEquals([backoff.failures, backoff.retryAt], [1, 60]);
  assertEquals(backoff.error, "third");
  backoff.fail(60, 70, 1, "fourth", false);
  assertEquals([backoff.failures, backoff.retryAt], [2, 170]);
});

Deno.test("Backoff.succeed() forgets the failures and their error", () => {
  const backoff = new Backoff();
  backoff.fail(0, 10, 1, "refused", true);
  backoff.succeed();
  assertEquals([backoff.failures, backoff.retryAt], [0, -Infinity]);
  assertEquals(backoff.error, undefined);
  assert(!backoff.isHopeless(11));
});

Deno.test("Backoff.isHopeless() after a permanent failure, until the retry time", () => {
  const backoff = new Backoff();
  backoff.fail(0, 10, 1, "refused", false);
  assert(!backoff.isHopeless(11));
  backoff.fail(60, 70, 1, "password", true);
  assert(backoff.isHopeless(169));
  assert(!backoff.isHopeless(170));
});

Deno.test("Backoff.relapse() counts as a dial that failed, until a hook ends well", () => {
  const backoff = new Backoff();
  backoff.succeed();
  backoff.relapse(0, 10, 1, "useless");
  assertEquals([backoff.failures, backoff.retryAt], [1, 60]);
  backoff.succeed(); // only a hook can tell
  backoff.relapse(60, 70, 1, "useless again");
  assertEquals([backoff.failures, backoff.retryAt], [2, 170]);
  assertEquals(backoff.error, "useless again");
  backoff.confirm();
  assertEquals([backoff.failures, backoff.retryAt], [0, -Infinity]);
  assertEquals(backoff.error, undefined);
  assertEquals(backoff.allowance(171, 0), 2);
});

Deno.test("Backoff.relapse() counts dials that were under way together as one round", () => {
  const backoff = new Backoff();
  backoff.relapse(0, 10, 1, "first");
  backoff.relapse(1, 11, 1, "second");
  assertEquals([backoff.failures, backoff.retryAt], [1, 60]);
});

Deno.test("Backoff.relapse() tells nothing new of a dial before the last failure", () => {
  const backoff = new Backoff();
  backoff.fail(5, 10, 1, "password", true);
  backoff.relapse(0, 20, 1, "useless");
  assertEquals([backoff.failures, backoff.error], [1, "password"]);
  assert(!backoff.isRelapsed);
  assert(backoff.isHopeless(21));
  backoff.confirm();
  assertEquals(backoff.failures, 1);
});

Deno.test("Backoff.fail() after a relapse is the failure of a dial again", () => {
  const backoff = new Backoff();
  backoff.relapse(0, 10, 1, "useless");
  assert(backoff.isRelapsed);
  assertEquals([backoff.allowance(59, 0), backoff.allowanceAtOnce(0)], [0, 1]);
  backoff.fail(60, 70, 1, "refused", false);
  assert(!backoff.isRelapsed);
  backoff.succeed();
  assertEquals(backoff.failures, 0);
});
