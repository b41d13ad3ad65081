import postgres from "npm:postgres@3.4.9";
import type { Contender, OpenContender } from "./contender.ts";
import { driverOptions } from "./driver_options.ts";
import { driverSession } from "./driver_session.ts";

/** postgres.js with its own pool, which is also what `reserve` takes from. */
export const contender: Contender = {
  open(options): OpenContender {
    const sql = postgres(options.url, driverOptions(options));
    return {
      async acquireRelease() {
        const reserved = await sql.reserve();
        reserved.release();
      },
      async hold() {
        const reserved = await sql.reserve();
        return () => reserved.release();
      },
      async withConnection(fn) {
        const reserved = await sql.reserve();
        try {
          return await fn(driverSession(reserved));
        } finally {
          reserved.release();
        }
      },
      transaction: (fn) => sql.begin((tx) => fn(driverSession(tx))),
      oneShot: () => sql`select 1 as one`,
      slowShot: () => sql`select pg_sleep(0.02)`,
      async dial() {
        const one = postgres(
          options.url,
          driverOptions({ ...options, max: 1 }),
        );
        await one`select 1 as one`;
        return () => one.end({ timeout: 1 });
      },
      close: () => sql.end({ timeout: 1 }),
    };
  },
};
