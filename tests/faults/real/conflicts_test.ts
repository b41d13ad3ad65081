import { assertEquals, assertRejects } from "../../support/assert.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
} from "../../support/pool_world.ts";

poolTest(
  "40P01: a deadlock is one caller's error; the other commits, and both sessions stay",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    await using table = await makeTable(world);
    const { pool } = world;
    const outcomes: (string | undefined)[] = [];
    {
      await using first = await pool.acquire();
      await using second = await pool.acquire();
      for (const lease of [first, second]) {
        await lease`set deadlock_timeout = '20ms'`;
      }
      const pids = [first.pid, second.pid];
      const [one, two] = [await first.begin(), await second.begin()];
      await one.unsafe(`update ${table.name} set n = 1 where id = 1`);
      await two.unsafe(`update ${table.name} set n = 2 where id = 2`);
      const results = await Promise.allSettled([
        one.unsafe(`update ${table.name} set n = 1 where id = 2`)
          .then(() => one.commit()),
        two.unsafe(`update ${table.name} set n = 2 where id = 1`)
          .then(() => two.commit())
          .finally(() => two[Symbol.asyncDispose]()),
      ].map((promise, index) =>
        promise.finally(() => [one, two][index]![Symbol.asyncDispose]())
      ));
      const failed = results.filter(({ status }) => status === "rejected");
      assertEquals(
        failed.map((one) =>
          one.status === "rejected" && (one.reason as { code: string }).code
        ),
        ["40P01"],
      );
      outcomes.push(one.outcome, two.outcome);
      assertEquals([first.pid, second.pid], pids);
      assertEquals((await first`select 1 as one`)[0]?.one, 1);
      assertEquals((await second`select 1 as one`)[0]?.one, 1);
    }
    assertEquals(outcomes.sort(), ["committed", "rolled back"]);
    assertEquals(pool.stats().opened, 2);
  },
);

poolTest(
  "40001 at COMMIT reaches the caller of commit(), once, and the session stays",
  async (t) => {
    await using world = poolWorld(t, { max: 2 });
    await using table = await makeTable(world);
    const { pool } = world;
    const error = await assertRejects(async () => {
      await using one = await pool.begin({ isolation: "serializable" });
      await using two = await pool.begin({ isolation: "serializable" });
      const sum = `select sum(n) from ${table.name}`;
      await one.unsafe(sum);
      await two.unsafe(sum);
      await one.unsafe(`insert into ${table.name} values (3, 1)`);
      await two.unsafe(`insert into ${table.name} values (4, 1)`);
      await one.commit();
      try {
        await two.commit();
      } finally {
        assertEquals(two.outcome, "rolled back");
      }
    });
    assertEquals((error as Error & { code?: unknown }).code, "40001");
    assertEquals(pool.stats().opened, 2);
    assertEquals(pool.stats().idle, 2);
    const rows = await pool.unsafe(`select id from ${table.name} order by id`);
    assertEquals(rows.map(({ id }) => id), [1, 2, 3]);
  },
);

async function makeTable({ admin }: PoolWorld) {
  const name = `t${crypto.randomUUID().replaceAll("-", "")}`;
  await admin.unsafe(`
    create table ${name} (id int primary key, n int);
    insert into ${name} values (1, 0), (2, 0)`);
  return {
    name,
    async [Symbol.asyncDispose]() {
      await admin.unsafe(`drop table ${name}`);
    },
  };
}
