import { Buffer } from "node:buffer";
import { once } from "node:events";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ConnectionBusyError, type PooledConnection } from "../../mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";

// In the list of what is selected, a series is not made as a whole first.
const ENDLESS =
  "copy (select repeat('x', 1000), generate_series(1, 1000000000)) to stdout";

async function pidOf(sql: Pick<PooledConnection, "unsafe">): Promise<unknown> {
  const [row] = await sql.unsafe("select pg_backend_pid() as pid");
  return row!["pid"];
}

poolTest(
  "A COPY that is awaited is its stream, without .writable() and .readable()",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    const into: unknown = await pool`copy ${pool("copied")} from stdin`;
    await pipeline(Readable.from(["1\n", "2\n"]), into as Writable);
    const bad: unknown = await pool`copy copied from stdin`;
    await assertRejects(
      () => pipeline(Readable.from(["three\n"]), bad as Writable),
      Error,
      "invalid input syntax",
    );
    const out: unknown = await pool`copy copied to stdout`;
    assertEquals(
      String(Buffer.concat(await Array.fromAsync(out as Readable))),
      "1\n2\n",
    );
    assertEquals(pool.stats().lost, 0);
  },
);

poolTest("A COPY with a cursor is refused", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  await pool`create temp table copied (n int)`;
  for (const text of ["copy copied from stdin", "copy copied to stdout"]) {
    const told = "Cannot run a COPY as a cursor";
    await assertRejects(
      async () => await pool.unsafe(text).cursor(1, () => {}),
      TypeError,
      told,
    );
    await assertRejects(
      async () => await Array.fromAsync(pool.unsafe(text).cursor(1)),
      TypeError,
      told,
    );
  }
  assertEquals((await pool`select 1 as one`)[0]!["one"], 1);
  assertEquals(pool.stats().lost, 0);
});

poolTest(
  "A reader that leaves a COPY early gives its connection back",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const pid = await pidOf(pool);
    for await (const _ of await pool.unsafe(ENDLESS).readable()) break;
    (await pool.unsafe(ENDLESS).readable()).destroy();
    assertEquals(await pidOf(pool), pid);
    await using lease = await pool.acquire();
    for await (const _ of await lease.unsafe(ENDLESS).readable()) break;
    assertEquals(await pidOf(lease), pid);
  },
);

poolTest(
  "A COPY that is given up tells its reader so, and gives its connection back",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    const pid = await pidOf(pool);
    const quick = new AbortController();
    const read = await pool.with({ signal: quick.signal }).unsafe(ENDLESS)
      .readable();
    await assertRejects(
      async () => {
        for await (const _ of read) quick.abort(new Error("Quick enough"));
      },
      Error,
      "Quick enough",
    );
    const slow = new AbortController();
    const unread = await pool.with({ signal: slow.signal }).unsafe(ENDLESS)
      .readable();
    const told = new Promise((resolve) => unread.on("error", resolve));
    slow.abort("Too slow");
    assertEquals(await told, "Too slow");
    assertEquals(await pidOf(pool), pid);
  },
);

poolTest(
  "A COPY among several statements has its connection for itself",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    await lease`create temp table copied (n int)`;
    const before = lease`select 1 as n`.execute();
    const copy = lease.unsafe("select 2; copy copied from stdin").execute();
    const behind = lease`select count(*)::int as n from copied`.execute();
    await pipeline(Readable.from(["3\n"]), await copy as unknown as Writable);
    assertEquals([...await before, ...await behind], [{ n: 1 }, { n: 1 }]);
  },
);

poolTest(
  "A COPY that is given up before its server has answered keeps its connection",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    await using lease = await world.pool.acquire();
    await lease`create temp table copied (n int)`;
    for (const reason of [new Error("Given up"), Symbol("Given up")]) {
      for (const isSent of [true, false]) {
        const limit = new AbortController();
        const copy = lease.with({ signal: limit.signal })`
          copy copied from stdin`.execute();
        // It may have its stream by then, which is told of the end, too.
        const told = copy.then(
          (stream) => once(stream as unknown as Writable, "close"),
          () => {},
        );
        // The driver writes at the end of the turn.
        if (isSent) await nextTurn();
        limit.abort(reason);
        await told.catch(() => {});
        assertEquals((await lease`select 1 as one`)[0]!["one"], 1);
      }
    }
    assertEquals(world.pool.stats().lost, 0);
  },
);

poolTest(
  "A second COPY in one text, which nobody can have, holds up nobody",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    const twice = "copy copied from stdin; copy copied from stdin";
    const into: unknown = await pool.unsafe(twice);
    (into as Writable).end("1\n");
    assertEquals([...await pool`select 1 from copied`], []);
    const rows = "select repeat('x', 1000) from generate_series(1, 9999)";
    const out: unknown = await pool.unsafe(
      `copy (select 1) to stdout; copy (${rows}) to stdout`,
    );
    assertEquals((await Array.fromAsync(out as Readable)).length, 1);
    assertEquals([...await pool`select 2 as two`], [{ two: 2 }]);
  },
);

poolTest("A COPY is known behind a fragment, too", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  const texts = [
    pool`${pool.unsafe("copy")} (select 7) to stdout`,
    pool`create temp table ${pool("other")} (); copy (select 7) to stdout`
      .simple(),
  ];
  for (const text of texts) {
    const out: unknown = await text;
    const chunks = await Array.fromAsync(out as Readable);
    assertEquals(String(Buffer.concat(chunks)), "7\n");
  }
  assertEquals(pool.stats().lost, 0);
});

poolTest(
  "A transaction whose COPY fails rejects with what the server said of it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    await assertRejects(
      () =>
        pool.transaction(async (tx) => {
          (await tx`copy copied from stdin`.writable()).end("three\n");
        }),
      Error,
      "invalid input syntax",
    );
  },
);

poolTest(
  "What would wait for a COPY that is not ended is refused",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    await using lease = await pool.acquire();
    const tx = await lease.begin();
    const into = await tx`copy copied from stdin`.writable();
    into.write("1\n");
    await assertRejects(async () => await tx`select 1`, ConnectionBusyError);
    await assertRejects(() => tx.commit(), ConnectionBusyError);
    await assertRejects(() => tx.savepoint(), ConnectionBusyError);
    into.end("2\n");
    await tx.commit();
    const [row] = await lease`select count(*)::int as n from copied`;
    assertEquals(row!["n"], 2);
    const next = await lease`copy copied from stdin`.writable();
    next.destroy();
    assertEquals([...await lease`select 3 as three`], [{ three: 3 }]);
  },
);

poolTest(
  "A transaction goes on after a COPY of which only the first rows were read",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    await using tx = await pool.begin();
    await tx`insert into copied values (1)`;
    const rows = "select repeat('x', 1000) from generate_series(1, 99999)";
    for await (
      const _ of await tx.unsafe(`copy (${rows}) to stdout`).readable()
    ) {
      break;
    }
    await tx`insert into copied values (2)`;
    await tx.commit();
    const [row] = await pool`select count(*)::int as n from copied`;
    assertEquals(row!["n"], 2);
  },
);

poolTest(
  "What is given up behind a COPY that was left in a transaction does not undo it",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    await pool.transaction(async (tx) => {
      await tx`insert into copied values (1)`;
      const rows = "select repeat('x', 1000) from generate_series(1, 99999)";
      const copy = tx.unsafe(`copy (${rows}) to stdout`).readable();
      for await (const _ of await copy) break;
      const given = tx`insert into copied values (2)`;
      const told = assertRejects(async () => await given, Error, "Cancel");
      given.cancel();
      await told;
    });
    assertEquals([...await pool`select n from copied`], [{ n: 1 }]);
  },
);

poolTest(
  "A COPY that its writer gives up for no reason that has a text ends",
  async (t) => {
    await using world = poolWorld(t, { max: 1 });
    const { pool } = world;
    await pool`create temp table copied (n int)`;
    for (const reason of [Symbol("Given up"), Object.create(null)]) {
      const into = await pool`copy copied from stdin`.writable();
      into.destroy(reason);
      assertEquals([...await pool`select n from copied`], []);
    }
    assertEquals(pool.stats().lost, 0);
  },
);
