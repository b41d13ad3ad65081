// Runs a query that fails, in the way that is named, and catches nothing but
// what `frozen` makes.
import { createPool, type Sql } from "../../../mod.ts";

const [url, form] = Deno.args;
if (form === "frozen") Object.freeze(Error);
const pool = createPool(url);

async function selectUsers(sql: Sql): Promise<void> {
  await sql`select * from there_is_no_such_table where id = ${1}`;
}

if (form === "frozen") {
  await selectUsers(pool).catch(({ message }) => console.log(message));
} else if (form === "one-shot") await selectUsers(pool);
else if (form === "lease") await pool.use(selectUsers);
else await pool.transaction(selectUsers);
