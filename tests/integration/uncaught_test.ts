import { stripVTControlCharacters } from "node:util";
import { assertEquals, assertMatch } from "../support/assert.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { runProgram } from "../support/program.ts";

const server = await sharedPostgres();
const PROGRAM = new URL("programs/uncaught.ts", import.meta.url);

/** Where the program has a query that begins so. */
async function placeOf(query: string): Promise<string> {
  const lines = (await Deno.readTextFile(PROGRAM)).split("\n");
  const line = lines.findIndex((text) => text.includes("await sql`" + query));
  const column = lines[line]!.indexOf("`");
  return `${PROGRAM}:${line + 1}:${column + 1}`;
}

for (const form of ["one-shot", "lease", "transaction"]) {
  Deno.test(`A query that fails in a ${form} and that nobody catches ends the program with its line, and no other`, async () => {
    const { code, stderr } = await runProgram(PROGRAM, {
      args: [server.url, form],
    });
    const [message, ...frames] = stripVTControlCharacters(stderr).trim()
      .split("\n");
    assertEquals(
      message,
      "error: Uncaught (in promise) PostgresError: " +
        'relation "there_is_no_such_table" does not exist',
    );
    assertEquals(frames, [
      `    at selectUsers (${await placeOf("select * from")})`,
    ]);
    assertEquals(code, 1);
  });
}

for (
  const form of [
    "AcquireTimeoutError",
    "ConnectError",
    "ConnectionLostError",
    "LeaseReleasedError",
    "QueryTimeoutError",
    "TransactionFinishedError",
  ]
) {
  Deno.test(`A query whose ${form} nobody catches ends the program with its line, and no other`, async () => {
    const { code, stderr } = await runProgram(PROGRAM, {
      args: [server.url, form],
    });
    const [message, ...frames] = stripVTControlCharacters(stderr).trim()
      .split("\nCaused by")[0]!.split("\n");
    assertMatch(message!, new RegExp(`^error: Uncaught .*${form}: Cannot `));
    const place = await placeOf("select pg_sleep(60)");
    assertEquals(frames, [`    at sleep (${place})`]);
    assertEquals(code, 1);
  });
}

Deno.test("A BEGIN that is refused and that nobody catches ends the program with its line, and no other", async () => {
  const { code, stderr } = await runProgram(PROGRAM, {
    args: [server.url, "Error"],
  });
  const [message, ...frames] = stripVTControlCharacters(stderr).trim()
    .split("\n");
  assertMatch(message!, /^error: Uncaught .*Error: Cannot begin a transaction/);
  assertEquals(frames, [`    at begin (${await placeOf("begin")})`]);
  assertEquals(code, 1);
});

Deno.test("A query that fails is told of where a program fixes how many frames errors have", async () => {
  const { code, stdout, stderr } = await runProgram(PROGRAM, {
    args: [server.url, "frozen"],
  });
  const told = 'relation "there_is_no_such_table" does not exist\n';
  assertEquals([code, stdout, stderr], [0, told, ""]);
});
