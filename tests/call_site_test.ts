import { LeaseReleasedError } from "../mod.ts";
import { assertEquals, assertRejects } from "./support/assert.ts";
import { fakedPool } from "./support/faked_pool.ts";

function assertIsHere(site: string | undefined): void {
  const [first = "", ...rest] = site?.split("\n") ?? [];
  assertEquals(first.includes("call_site_test.ts"), true, site);
  const own = rest.filter((frame) => frame.includes("/src/"));
  assertEquals(own, [], "frames of the package");
}

Deno.test("a call site begins where a program calls, and has no frame of the package", async () => {
  const { pool, clock } = fakedPool({ max: 1, leakWarningMs: 1_000 });
  const sites: (string | undefined)[] = [];
  pool.addEventListener("leakwarning", (event) => sites.push(event.acquiredAt));
  const lease = await pool.acquire();
  clock.advance(1_000);
  await lease.release();
  const error = await assertRejects(
    async () => await lease`select 1`,
    LeaseReleasedError,
  );
  assertEquals(sites.length, 1);
  for (const site of [...sites, error.releasedAt]) assertIsHere(site);
  await pool.close();
});
