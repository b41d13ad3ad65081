import postgres from "npm:postgres@3.4.9";

const sql = postgres(Deno.args[0]!);
await sql`select 1 as one`;
await sql.end();
