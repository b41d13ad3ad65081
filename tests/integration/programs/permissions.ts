/** A program that asks a server for one row: of the URL that it is passed, or of whom PG* variables name. */
import { createPool } from "../../../mod.ts";

await using pool = Deno.args.length > 0
  ? createPool(Deno.args[0])
  : createPool();
try {
  const [row] = await pool`select current_setting('application_name') as name`;
  console.log(row?.name);
} catch (error) {
  const { name, code, kind, message } = error as Error & {
    code?: string;
    kind?: string;
  };
  console.log(JSON.stringify({ name, code, kind, message }));
}
