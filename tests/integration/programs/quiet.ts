/** A program that does all that might make somebody print, and prints nothing itself. */
import { createPool } from "../../../mod.ts";

const [url = ""] = Deno.args;

{
  await using pool = createPool(url, { max: 3 });
  await pool`do $$ begin
    raise notice 'a notice'; raise warning 'a warning'; raise info 'some info';
  end $$`;
  // The server says that it does not exist; and that nothing is begun.
  await pool`drop table if exists there_is_no_such_table`;
  await pool.use(async (lease) => {
    await lease`commit`;
    await lease`begin`;
    await lease`begin`;
  });
  await pool`select 1 / 0`.catch(() => {});
  await pool`begin`.catch(() => {});
  // A notification that nobody listens to, and a parameter that changes.
  await pool.use(async (lease) => {
    await lease`listen quiet`;
    await lease`notify quiet, 'payload'`;
    await lease`set application_name = 'renamed'`;
  });
  await pool.acquire({ timeoutMs: 0 }).catch(() => {});
  await pool.with({ timeoutMs: 10 })`select pg_sleep(60)`.catch(() => {});
  await pool`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
  const lease = await pool.acquire();
  await lease.release();
  await lease`select 1`.catch(() => {});
}
{
  await using pool = createPool(url, {
    onConnect() {
      throw new Error("A hook's own fault");
    },
    acquireTimeoutMs: 100,
  });
  for (const type of ["openerror", "hookerror", "acquireerror"] as const) {
    pool.addEventListener(type, () => {
      throw new Error("A listener's own fault");
    });
  }
  await pool.acquire().catch(() => {});
}
{
  await using pool = createPool("postgres://nobody@127.0.0.1:1/nothing", {
    acquireTimeoutMs: 100,
  });
  await pool`select 1`.catch(() => {});
}
for (
  const message of [
    "?\x00\x00\x00\x04",
    "R\x00\x00\x00\x08\x00\x00\x00\x07",
    "HTTP/1.1 400\r\n\r\n",
  ]
) {
  await using server = await answerWith(message);
  await using pool = createPool(
    `postgres://nobody@127.0.0.1:${server.port}/nothing?sslmode=disable`,
    { acquireTimeoutMs: 200 },
  );
  await pool`select 1`.catch(() => {});
}

/** A server that says one thing to whoever connects, whatever they say. */
async function answerWith(message: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const bytes = new TextEncoder().encode(message);
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(bytes).catch(() => {});
      await connection.read(new Uint8Array(1_000)).catch(() => {});
      connection.close();
    }
  })();
  await undefined;
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}
