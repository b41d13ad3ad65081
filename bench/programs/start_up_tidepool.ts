// @ts-types="../../mod.ts"
import { createPool } from "../../dist/tidepool.js";

const pool = createPool(Deno.args[0]!);
await pool`select 1 as one`;
await pool.close();
