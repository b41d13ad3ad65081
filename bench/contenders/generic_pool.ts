import genericPool from "npm:generic-pool@3.9.0";
import type { Contender } from "./contender.ts";
import { clientFactory, overObjectPool } from "./object_pool.ts";

/** generic-pool over clients of postgres.js. */
export const contender: Contender = {
  open(options) {
    const pool = genericPool.createPool(clientFactory(options), {
      max: options.max,
    });
    return overObjectPool({
      acquire: () => pool.acquire(),
      release: (sql) => pool.release(sql),
      async close() {
        await pool.drain();
        await pool.clear();
      },
    });
  },
};
