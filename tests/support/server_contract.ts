/** What the tests rely on in a PostgreSQL server: asked of the real one and of the fake. */
import { int32, message } from "../driver/server_bytes.ts";
import { assertEquals, assertMatch } from "./assert.ts";
import type { FakePostgres } from "./fake_postgres.ts";
import { type Said, WireClient, type WirePlace } from "./wire_client.ts";

const INT = 23;
const TEXT = 25;
const RAISE = "do $$ begin raise exception 'no'; end $$";
const NOTICE = "do $$ begin raise notice 'hear'; end $$";
const COPY = "copy (select n from generate_series(1, 3) n) to stdout";
const SLEEP = "select pg_sleep(60)";

/** Teaches a fake server what the contract asks. */
export function learnContract(server: FakePostgres): void {
  server.answer("select 1 as one", { columns: { one: INT }, rows: [["1"]] });
  server.answer("select 2 as two", { columns: { two: INT }, rows: [["2"]] });
  server.answer("select n from generate_series(1, 3) n", {
    columns: { n: INT },
    rows: [["1"], ["2"], ["3"]],
  });
  server.answer("select $1::int4 as n, $2::text as word", {
    columns: { n: INT, word: TEXT },
    parameters: [INT, TEXT],
    rows: (given) => [given],
  });
  server.answer(COPY, {
    copied: ["1", "2", "3"],
    tag: "COPY 3",
  });
  server.answer(/raise exception/, { error: { code: "P0001", text: "no" } });
  server.answer(/raise notice/, { tag: "DO", notice: "hear" });
  server.answer("set application_name to 'renamed'", {
    tag: "SET",
    setting: ["application_name", "renamed"],
  });
  server.answer(SLEEP, { columns: { pg_sleep: 2278 }, waits: true });
}

/** Registers the contract's tests for one server. */
export function testServerContract(
  name: string,
  begin: () => Promise<{ place: WirePlace } & AsyncDisposable>,
): void {
  for (const [promise, check] of Object.entries(CONTRACT)) {
    Deno.test(`${name} ${promise}`, async () => {
      await using server = await begin();
      await using session = WireClient.begin(server.place);
      assertMatch(letters(await session.untilReady()), /^RS+KZ$/);
      await check(session);
    });
  }
}

const CONTRACT: Readonly<
  Record<string, (session: WireClient) => Promise<void>>
> = {
  async "answers a simple query"(session) {
    const said = await session.ask(query("select 1 as one"));
    assertEquals(letters(said), "TDCZ");
    assertEquals(text(said, "C"), "SELECT 1\0");
    assertEquals(text(said, "Z"), "I");
  },
  async "answers rows, each in a message"(session) {
    const said = await session.ask(
      query("select n from generate_series(1, 3) n"),
    );
    assertEquals(letters(said), "TDDDCZ");
  },
  async "answers each statement of a query, and an empty one"(session) {
    const both = query("select 1 as one; select 2 as two");
    assertEquals(letters(await session.ask(both)), "TDCTDCZ");
    assertEquals(letters(await session.ask(query(""))), "IZ");
  },
  async "copies lines to the client, each in a message"(session) {
    const said = await session.ask(query(COPY));
    assertEquals(letters(said), "HdddcCZ");
    assertEquals(text(said, "d"), "1\n");
    assertEquals(text(said, "C"), "COPY 3\0");
  },
  async "tells what an error is, and goes on"(session) {
    const said = await session.ask(query(`${RAISE}; select 1 as one`));
    assertEquals(letters(said), "EZ");
    assertMatch(text(said, "E"), /VERROR\0CP0001\0Mno/);
    assertEquals(letters(await session.ask(query("select 1 as one"))), "TDCZ");
  },
  async "describes and runs a prepared statement"(session) {
    const sql = "select $1::int4 as n, $2::text as word";
    const described = await session.ask(parse("s", sql), describe("s"), SYNC);
    assertEquals(letters(described), "1tTZ");
    assertEquals([...body(described, "t")], [
      ...[0, 2],
      ...int32(INT),
      ...int32(TEXT),
    ]);
    const said = await session.ask(bind("s", ["7", "seven"]), EXECUTE, SYNC);
    assertEquals(letters(said), "2DCZ");
    assertMatch(text(said, "D"), /7.*seven/s);
  },
  async "passes over what follows an error, up to a Sync"(session) {
    const said = await session.ask(
      ...[parse("", RAISE), bind(""), EXECUTE],
      ...[parse("", "select 1 as one"), bind(""), EXECUTE, SYNC],
    );
    assertEquals(letters(said), "12EZ");
    const next = [parse("", "select 1 as one"), bind(""), EXECUTE, SYNC];
    assertEquals(letters(await session.ask(...next)), "12DCZ");
  },
  async "says in which state a transaction is"(session) {
    const states = [];
    for (const sql of ["begin", RAISE, "select 1 as one", "rollback"]) {
      const said = await session.ask(query(sql));
      states.push(letters(said) + " " + text(said, "Z"));
    }
    assertEquals(states, ["CZ T", "EZ E", "EZ E", "CZ I"]);
  },
  async "says notices and changed parameters"(session) {
    assertEquals(letters(await session.ask(query(NOTICE))), "NCZ");
    const said = await session.ask(query("set application_name to 'renamed'"));
    assertEquals(letters(said), "CSZ");
    assertEquals(text(said, "S"), "application_name\0renamed\0");
  },
  async "ends what runs when a cancel request shows its key"(session) {
    const asked = session.ask(query(SLEEP), query("select 1 as one"));
    // One that comes before the statement runs hits nothing.
    let isOver = false;
    void asked.finally(() => isOver = true);
    while (!isOver) await session.cancel();
    const said = await asked;
    assertEquals(letters(said), "TEZ");
    assertMatch(text(said, "E"), /C57014\0/);
    assertEquals(letters(await session.untilReady()), "TDCZ");
  },
};

const SYNC = message("S");
const EXECUTE = message("E", "\0", [0, 0, 0, 0]);

function query(sql: string): Uint8Array {
  return message("Q", `${sql}\0`);
}

function parse(name: string, sql: string): Uint8Array {
  return message("P", `${name}\0${sql}\0`, [0, 0]);
}

function describe(name: string): Uint8Array {
  return message("D", `S${name}\0`);
}

function bind(name: string, values: readonly string[] = []): Uint8Array {
  const given = values.flatMap((value) => [int32(value.length), value]);
  return message("B", `\0${name}\0`, [0, 0, 0, values.length], ...given, [
    0,
    0,
  ]);
}

function letters(said: readonly Said[]): string {
  return said.map(({ letter }) => letter).join("");
}

function body(said: readonly Said[], letter: string): Uint8Array {
  return said.find((one) => one.letter === letter)?.body ?? new Uint8Array(0);
}

function text(said: readonly Said[], letter: string): string {
  return new TextDecoder().decode(body(said, letter));
}
