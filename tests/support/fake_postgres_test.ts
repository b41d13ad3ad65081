import postgres from "postgres";
import { assertEquals, assertRejects } from "./assert.ts";
import { startFakePostgres } from "./fake_postgres.ts";
import { sharedPostgres } from "./postgres_server.ts";
import { learnContract, testServerContract } from "./server_contract.ts";

const server = await sharedPostgres();

testServerContract("the fake server", async () => {
  const fake = await startFakePostgres();
  learnContract(fake);
  return {
    place: { host: fake.host, port: fake.port, user: "a", database: "b" },
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
});

testServerContract("the real server", () => {
  const { host, port } = server;
  const { username, pathname } = new URL(server.url);
  return Promise.resolve({
    place: { host, port, user: username, database: pathname.slice(1) },
    async [Symbol.asyncDispose]() {},
  });
});

for (const authentication of ["cleartext", "md5"] as const) {
  Deno.test(`the fake server knows a password, in ${authentication}`, async () => {
    await using fake = await startFakePostgres({
      authentication,
      password: "open",
    });
    learnContract(fake);
    assertEquals(await ask(fake.url), [{ one: 1 }]);
    await assertRejects(
      () => ask(fake.url.replace("open", "closed")),
      Error,
      "password authentication failed",
    );
  });
}

Deno.test("the fake server misbehaves at the message it is told, as often as it is told", async () => {
  await using fake = await startFakePostgres();
  learnContract(fake);
  fake.misbehave({ at: "P", nth: 2, how: "FATAL then close", times: 1 });
  assertEquals(await ask(fake.url), [{ one: 1 }]);
  await assertRejects(() => ask(fake.url), Error);
  assertEquals(await ask(fake.url), [{ one: 1 }]);
});

async function ask(url: string): Promise<unknown> {
  const sql = postgres(url, { max: 1, fetch_types: false, ssl: false });
  try {
    return [...await sql`select 1 as one`];
  } finally {
    await sql.end({ timeout: 0 });
  }
}
