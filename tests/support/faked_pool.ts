/** A pool without a network, whose server answers by itself and whose time stands still. */
import type { Pool, PoolOptions } from "../../mod.ts";
import { assemblePool } from "../../src/pool_assembly.ts";
import { resolvePoolOptions } from "../../src/pool_options.ts";
import { AnsweringDriver } from "./answering_driver.ts";
import { fakeMaker } from "./fake_statement.ts";
import { ManualClock } from "./manual_clock.ts";

/** The pool, and what it is made of. */
export interface FakedPool {
  readonly pool: Pool;
  readonly driver: AnsweringDriver;
  readonly clock: ManualClock;
}

/** Makes one. */
export function fakedPool(options: PoolOptions = {}): FakedPool {
  const driver = new AnsweringDriver();
  const clock = new ManualClock();
  const pool = assemblePool({
    options: resolvePoolOptions({
      username: "nobody",
      password: "",
      ...options,
    }),
    driver,
    clock,
    maker: fakeMaker,
  });
  return { pool: pool.public, driver, clock };
}
