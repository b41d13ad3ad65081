import { assert, assertEquals } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { GROWTH_LIMIT, runSoak } from "./soak.ts";

const server = await sharedPostgres();
const LEASES = 1_000_000;

Deno.test("A million leases on one pool leave no session, no listener and no request behind, and the heap as it was", async () => {
  const report = await runSoak(server, { leases: LEASES });
  const { leases, heapBefore, heapAfter, left } = report;
  assertEquals(Object.entries(left).filter(([, count]) => count !== 0), []);
  assert(leases >= LEASES, `There were ${leases}`);
  const growth = heapAfter - heapBefore;
  assert(growth <= GROWTH_LIMIT, `${heapBefore} bytes grew by ${growth}`);
});
