import { ConnectError } from "../../../mod.ts";
import { assert, assertEquals, assertRejects } from "../../support/assert.ts";
import { eventually } from "../../support/eventually.ts";
import {
  poolTest,
  type PoolWorld,
  poolWorld,
} from "../../support/pool_world.ts";
import { startPostgres } from "../../support/postgres_server.ts";

const server = await startPostgres({
  hba: [
    "host all rotating 127.0.0.1/32 scram-sha-256",
    "host all all 127.0.0.1/32 trust",
  ],
});

/** Gives the role a password; makes the role the first time. */
async function rotate({ admin }: PoolWorld, password: string): Promise<void> {
  await admin.unsafe(`
    do $$ begin create role rotating login;
    exception when duplicate_object then null; end $$;
    alter role rotating password '${password}'`);
}

poolTest(
  "a password that changes: open sessions go on, and each dial asks anew",
  async (t) => {
    let secret = "first-of-them";
    let asked = 0;
    const password = async () => {
      asked++;
      await Promise.resolve();
      return secret;
    };
    const options = { max: 2, username: "rotating", password };
    await using world = poolWorld(t, options, { server });
    const { pool } = world;
    await rotate(world, secret);
    await using old = await pool.acquire();
    await rotate(world, secret = "second-of-them");
    assertEquals((await old`select 1 as one`)[0]?.one, 1);
    await using next = await pool.acquire();
    assertEquals((await next`select 1 as one`)[0]?.one, 1);
    assertEquals(asked, 2);
    pool.refresh();
    await Promise.all([old.release(), next.release()]);
    assertEquals((await pool`select 1 as one`)[0]?.one, 1);
    assertEquals(asked, 3);
  },
);

poolTest(
  "a password that is out of date is told at once, without a storm, and the right one later serves",
  async (t) => {
    let secret = "out-of-date";
    const options = {
      max: 5,
      username: "rotating",
      password: () => Promise.resolve(secret),
    };
    await using world = poolWorld(t, options, { server });
    const { pool } = world;
    await rotate(world, "the-right-one");
    const began = performance.now();
    const errors = await Promise.all(
      Array.from(
        { length: 20 },
        () => assertRejects(() => pool.acquire(), ConnectError),
      ),
    );
    assert(performance.now() - began < 8_000, "they waited for a deadline");
    for (const error of errors) {
      assertEquals([error.kind, error.sqlState], ["auth", "28P01"]);
      assert(!Deno.inspect(error).includes(secret), "a secret was told");
    }
    const { openErrors } = pool.stats();
    assert(openErrors <= 5, `${openErrors} dials: the role might be locked`);
    secret = "the-right-one";
    await eventually(
      "it serves",
      () => pool`select 1`.then(() => true, () => false),
    );
  },
);
