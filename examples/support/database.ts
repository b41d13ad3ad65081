/** Where the examples find a database. */
import { startPostgres } from "../../tests/support/postgres_server.ts";

/** A database for as long as an example runs. */
export interface ExampleDatabase extends AsyncDisposable {
  /** What to connect to; `undefined` when the PG* variables say it. */
  readonly url: string | undefined;
}

/**
 * The database that `DATABASE_URL` or the PG* variables name; without either, a
 * PostgreSQL server of the example's own, which ends with it.
 */
export async function exampleDatabase(): Promise<ExampleDatabase> {
  const url = Deno.env.get("DATABASE_URL");
  const isNamed = ["PGHOST", "PGDATABASE"].some((name) => Deno.env.has(name));
  if (url || isNamed) {
    return { url, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  console.error("No DATABASE_URL: starting a PostgreSQL server, on loopback\n");
  return await startPostgres();
}
