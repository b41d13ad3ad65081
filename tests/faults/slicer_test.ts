import type { Pool } from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { startFaultProxy } from "../support/fault_proxy.ts";
import { poolTest, poolWorld, worldServer } from "../support/pool_world.ts";

const LONG = "é€𝄞".repeat(4);

/** Asks for results of every shape. */
async function ask(pool: Pool): Promise<unknown> {
  const rows = await pool`
    select ${LONG}::text as text, ${null}::text as nothing, ${7}::int as n,
      ${new Date(0)}::timestamptz as at, ${new Uint8Array([
    0,
    255,
  ])}::bytea as b`;
  const raw = await pool`select ${LONG}::text, 1`.raw();
  const several = await pool.unsafe(
    "select 1 as a; select 'b' as b, null as c",
  );
  const paged: unknown[] = [];
  const query = pool`select n, n * n as square from generate_series(1, 7) n`;
  for await (const page of query.cursor(3)) paged.push([...page]);
  const error = await pool`select 1 / ${0}::int`.catch(({ code }) => code);
  const values = await pool.begin(async (tx) => {
    return await tx`select generate_series(1, 5) as n`.values();
  });
  return structuredClone({ rows, raw, several, paged, error, values });
}

const OPTIONS = { max: 1, fetch_types: false };

for (const kind of ["slicer", "noop"] as const) {
  poolTest(
    `${kind}: results that come byte by byte are the same to the byte`,
    async (t) => {
      await using direct = poolWorld(t, OPTIONS);
      await using proxy = await startFaultProxy(worldServer);
      await using sliced = poolWorld(t, OPTIONS, { through: proxy });
      proxy.add({ kind, size: 1, direction: "both" });
      const [expected, found] = [
        await ask(direct.pool),
        await ask(sliced.pool),
      ];
      assertEquals(found, expected);
      assert(proxy.bytes("down") > 1_000, "They went elsewhere");
    },
  );
}
