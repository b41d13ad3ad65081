import pg from "npm:pg@8.23.1";
import Pool from "npm:pg-pool@3.14.0";

const pool = new Pool({ connectionString: Deno.args[0]!, Client: pg.Client });
await pool.query("select 1 as one");
await pool.end();
