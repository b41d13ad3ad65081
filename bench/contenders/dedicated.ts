import postgres from "npm:postgres@3.4.9";
import type { Contender, OpenContender } from "./contender.ts";
import { driverOptions } from "./driver_options.ts";
import { driverSession } from "./driver_session.ts";

/** No pool: each loop has a client of postgres.js for itself. */
export const contender: Contender = {
  open(options): OpenContender {
    const clients = Array.from(
      { length: options.max },
      () => postgres(options.url, driverOptions({ ...options, max: 1 })),
    );
    return {
      withConnection: async (fn, loop) =>
        await fn(driverSession(clients[loop]!)),
      transaction: (fn, loop) =>
        clients[loop]!.begin((tx) => fn(driverSession(tx))),
      close: () => Promise.all(clients.map((sql) => sql.end({ timeout: 1 }))),
    };
  },
};
