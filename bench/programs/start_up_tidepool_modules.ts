import { createPool } from "../../mod.ts";

const pool = createPool(Deno.args[0]!);
await pool`select 1 as one`;
await pool.close();
