/** The fake driver and the real one, held to the same promises. */
import { AnsweringDriver } from "../support/answering_driver.ts";
import type { FakeSession } from "../support/fake_session.ts";
import { fakeMaker, serverError } from "../support/fake_statement.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { terminateBackends } from "../support/server_view.ts";
import { testConnectionContract } from "./connection_contract.ts";
import { Dialled } from "./dialled.ts";

const server = await sharedPostgres();

testConnectionContract("A connection of the fake driver", () => ({
  driver: new AnsweringDriver(),
  unsafe: fakeMaker.unsafe,
  kill: async (connection) => {
    const sqlState = "57P01";
    const cause = serverError(sqlState);
    (connection as FakeSession).lose({ cause, sqlState });
    await undefined;
  },
}));

testConnectionContract("A connection of the driver", () => {
  const { dialer, postgresJs } = new Dialled(server);
  return {
    driver: dialer,
    unsafe: (scope, args) => postgresJs.unsafe(scope, args),
    kill: ({ pid }) => terminateBackends(server.url, [pid]),
  };
});
