/** Programs for tests that judge a whole process: what it prints, and how it ends. */
import { terminateBackends } from "../support/server_view.ts";
import { Dialled, type DialSettings, type Opened } from "./dialled.ts";
import { until } from "./fake_transport.ts";

const url = new URL(Deno.env.get("SERVER_URL")!);
const address = { host: url.hostname, port: Number(url.port) };

function dialled(settings: DialSettings = {}): Dialled {
  return new Dialled(address, { holdProcess: false, ...settings });
}

/** Leaves a connection open that nobody uses. */
async function idle(): Promise<void> {
  const { sql } = await dialled().open();
  await sql`select 1`;
  console.log("done");
}

/** Ends with a query under way that nobody awaits. */
async function running(): Promise<void> {
  const { sql } = await dialled().open();
  sql`select pg_sleep(0.2)`.then(() => console.log("done"));
}

/** Ends while a connection closes. */
async function closing(): Promise<void> {
  const { connection, sql } = await dialled().open();
  await sql`select 1`;
  connection.close().then(() => console.log("done"));
}

/** Kills connections with everything open on them, and nobody listening to streams. */
async function killed(): Promise<void> {
  const many = dialled({ holdProcess: true });
  for (let round = 0; round < 12; round++) {
    const opened = await many.open();
    opened.lost.then(({ unfinished }) => {
      for (const statement of unfinished) statement.fail(new Error("Lost"));
    });
    await START[round % START.length]!(opened);
    if (round < START.length) opened.connection.destroy();
    else await terminateBackends(url.href, [opened.connection.pid]);
    await opened.lost;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.log("done");
}

const START: readonly ((opened: Opened) => Promise<unknown>)[] = [
  async ({ sql }) => {
    await sql`create temp table copied (n int)`;
    const into = await sql`copy copied from stdin`.writable();
    const timer = setInterval(() => into.write("1\n"), 1);
    into.once("close", () => clearInterval(timer));
  },
  async ({ sql }) => {
    const out = await sql`copy (select generate_series(1, 1000000)) to stdout`
      .readable();
    await new Promise((resolve) => out.once("readable", resolve));
    // While nobody reads, nobody sees the connection end.
    setTimeout(() => out.resume(), 5);
  },
  async ({ sql }) => {
    const steps = sql`select generate_series(1, 99)`.cursor(1)[
      Symbol.asyncIterator
    ]();
    await steps.next();
  },
  async ({ connection, sql }) => {
    const all = Array.from(
      { length: 20 },
      (_, n) => sql`select ${n}::int, pg_sleep(0.01)`,
    );
    Promise.allSettled(all);
    await until(() => connection.inFlight > 0, "statement");
  },
  async ({ connection }) => {
    connection.command("select pg_sleep(30)").catch(() => {});
    await until(() => connection.inFlight > 0, "statement");
    connection.cancel().catch(() => {});
  },
  async ({ sql }) => {
    await sql`create temp table copied (n int)`;
    const into = await sql`copy copied from stdin`.writable();
    into.end("no number\n");
  },
];

/** Loses a connection on which a statement that could not be written has a place. */
async function unwritable(): Promise<void> {
  const { connection, sql, lost } = await dialled().open();
  lost.then(({ unfinished }) => {
    for (const statement of unfinished) statement.fail(new Error("Lost"));
  });
  const slow = sql`select pg_sleep(30)`.catch(() => {});
  await sql`select ${undefined as never}::int`.catch(() => {});
  connection.destroy();
  await slow;
  await new Promise((resolve) => setTimeout(resolve, 5));
  console.log("done");
}

/** Dials peers that say what ends a driver that believes them. */
async function liars(): Promise<void> {
  for (
    const bytes of [
      [0x52, 0, 0, 0, 4],
      [0x52, 0, 0, 0, 9, 0, 0, 0, 11, 0x72],
      [0x52, 0, 0, 0, 8, 0, 0, 0, 7],
      [0x78, 0, 0, 0, 4],
      [0x45, 0, 0, 0, 5, 0],
    ]
  ) {
    const peer = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = peer.accept().then(async (connection) => {
      await connection.write(Uint8Array.from(bytes));
      await connection.read(new Uint8Array(1_000)).catch(() => {});
      connection.close();
    });
    const { port } = peer.addr as Deno.NetAddr;
    const error = await new Dialled({ host: "127.0.0.1", port }).fail();
    console.log((error as { kind: string }).kind);
    await served;
    peer.close();
  }
}

const PROGRAMS: Record<string, () => Promise<void>> = {
  idle,
  running,
  closing,
  killed,
  unwritable,
  liars,
};

await PROGRAMS[Deno.args[0]!]!();
