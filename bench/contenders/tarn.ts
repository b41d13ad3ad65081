import { Pool } from "npm:tarn@3.1.2";
import type { Contender } from "./contender.ts";
import { clientFactory, overObjectPool } from "./object_pool.ts";

/** tarn, the pool of Knex, over clients of postgres.js. */
export const contender: Contender = {
  open(options) {
    const { create, destroy } = clientFactory(options);
    const pool = new Pool({
      create,
      destroy,
      min: 0,
      max: options.max,
      acquireTimeoutMillis: 120_000,
    });
    return overObjectPool({
      acquire: () => pool.acquire().promise,
      release: (sql) => pool.release(sql),
      close: () => pool.destroy(),
    });
  },
};
