/**
 * The one file that imports the driver.
 *
 * @module
 */

import postgres from "npm:postgres@~3.4.9";
import { withoutFrames } from "../call_site.ts";
import type { Endpoint } from "../transport/transport.ts";
import { isTemplate, type StatementScope } from "./connection.ts";
import type {
  DriverConnection,
  DriverQuery,
  QueryHandler,
} from "./driver_query.ts";
import {
  cancelInScope,
  DriverStatement,
  runInScope,
} from "./driver_statement.ts";
import type { ClientOptions, DriverClient } from "./driver_client.ts";
import type { DriverContext } from "./hand_over.ts";
import { LazyQuery } from "./lazy_query.ts";
import { KnownPlans } from "./prepared_plan.ts";
import type { ServerError } from "./server_error.ts";

/** What the driver is told; everything else it leaves to the pool. */
export interface PostgresJsOptions {
  /** Shown in the options; connections are dialled by the pool. */
  readonly endpoints: readonly Endpoint[];
  /** Shown in the options. */
  readonly max: number;
  readonly username: string;
  readonly database: string;
  readonly types: Readonly<Record<string, unknown>>;
  readonly transform: unknown;
  readonly connection: Readonly<Record<string, string | number | boolean>>;
  readonly prepare: boolean;
  readonly debug: unknown;
  readonly onparameter: ((key: string, value: unknown) => void) | undefined;
  /** Reads the SQL of `file()`. */
  readonly readText: (path: unknown) => Promise<string>;
}

// The driver finds an idle connection for each query, and puts it back, unless
// somebody has reserved it; here a client has one, and a session its own line.
const RESERVED = Object.assign(() => {}, { release: true });

type Options = Record<string, unknown>;
type AnyFunction = (...args: readonly unknown[]) => unknown;
type AnySql = postgres.Sql<Record<string, unknown>>;

/** Makes queries and clients of postgres.js that share options and types. */
export class PostgresJs {
  /** A client that never connects: it makes queries, and holds the shared options. */
  readonly sql: AnySql;
  readonly #handler: QueryHandler = (query) => runInScope(query as LazyQuery);
  readonly #makeHelper: AnyFunction;
  readonly #readText: PostgresJsOptions["readText"];

  constructor(options: PostgresJsOptions) {
    this.sql = withoutEnvironment(() => postgres(baseOptions(options)));
    this.#makeHelper = this.sql as unknown as AnyFunction;
    this.#readText = options.readText;
    LazyQuery.inherit(queryClassOf(this.sql));
    this.#handler.debug = options.debug;
    // Set afterwards: the driver makes as many connections of its own at once.
    this.sql.options.max = options.max;
  }

  /** What a call of `sql` makes: a query of `scope`, or a helper. */
  tag(
    scope: StatementScope,
    first: unknown,
    rest: readonly unknown[],
  ): unknown {
    if (!isTemplate(first)) return this.#makeHelper(first, ...rest);
    const query = new LazyQuery(this.#handler, scope, first, rest, {});
    query.canceller = cancelQuery;
    return query;
  }

  /** A query of SQL as it is. */
  unsafe(scope: StatementScope, args: readonly unknown[]): LazyQuery {
    const query = makeUnsafe(this.#handler, scope, args);
    query.canceller = cancelQuery;
    return query;
  }

  /** A query of the SQL in a file, which is read once the query is awaited. */
  file(
    scope: StatementScope,
    path: unknown,
    args: readonly unknown[],
  ): unknown {
    const query = this.unsafe(scope, ["", ...args]);
    const read = async () => {
      query.strings = [await this.#readText(path)];
      runInScope(query);
    };
    query.handler = () => void read().catch((error) => query.reject(error));
    return query;
  }

  /** A client for one connection. */
  createClient(options: ClientOptions): DriverClient {
    const sql = postgres(clientOptions(this.sql.options, options) as Options);
    const { handler } = sql.unsafe("") as unknown as DriverQuery;
    const make = (text: string) => makeUnsafe(this.#handler, undefined, [text]);
    const onexecute = (connection: DriverConnection) => {
      connection.reserved = RESERVED;
      context.connection = connection;
    };
    void options.socket.then(({ outgoing }) => context.outgoing = outgoing);
    const prime = makeUnsafe(handler, undefined, ["", [], { onexecute }]);
    const context: DriverContext = {
      connection: undefined,
      outgoing: undefined,
      close: this.sql.CLOSE,
      plans: new KnownPlans(options.session.wire),
      createFiller: () => make(""),
      isInTransaction: () => options.session.transactionStatus !== "idle",
    };
    return {
      start: () => prime.then(() => {}),
      execute: (statement, head) =>
        (statement as DriverStatement).execute(
          context,
          head as DriverStatement | undefined,
        ),
      command: (text) => {
        const query = make(text);
        // It is run by its statement; awaiting it must not run it again.
        query.executed = true;
        const statement = DriverStatement.of(query);
        statement.isCommand = true;
        return { statement, result: query };
      },
      serverError: (error) => makeServerError(error),
    };
  }
}

function cancelQuery(query: DriverQuery): void {
  cancelInScope(query as LazyQuery);
}

/** As the driver's `unsafe` does it: the second may be the options, when there is no third. */
function makeUnsafe(
  handler: QueryHandler,
  scope: StatementScope | undefined,
  args: readonly unknown[],
): LazyQuery {
  const [text, values = [], rest = {}] = args;
  const isShort = args.length === 2 && !Array.isArray(values);
  const given = (isShort ? values : rest) as Record<string, unknown>;
  const parameters = isShort ? [] : values as readonly unknown[];
  const simple = "simple" in given ? given["simple"] : parameters.length === 0;
  const options = { prepare: false, ...given, simple };
  return new LazyQuery(handler, scope, [text as string], parameters, options);
}

/** The driver's class of errors that a server reports. */
export const PostgresError: typeof import("npm:postgres@~3.4.9").PostgresError =
  postgres.PostgresError;

/** The driver does not export it. */
function queryClassOf(sql: AnySql): { readonly prototype: object } {
  return sql.unsafe("").constructor; // a tagged one sets how many frames errors get
}

function makeServerError(error: ServerError): postgres.PostgresError {
  const Make = PostgresError as unknown as new (
    fields: ServerError,
  ) => postgres.PostgresError;
  return withoutFrames(() => new Make(error));
}

function baseOptions(options: PostgresJsOptions): Options {
  const { username, database, types, connection } = options;
  return {
    host: options.endpoints.map((endpoint) => endpoint.host),
    port: options.endpoints.map((endpoint) => endpoint.port),
    path: options.endpoints[0]?.path,
    user: username,
    password: " ",
    database,
    max: 1,
    types: { ...types },
    connection: { ...connection },
    prepare: options.prepare,
    debug: options.debug,
    transform: options.transform,
    onparameter: options.onparameter,
    ...WITHOUT_TIMERS,
  };
}

// The pool keeps the time, dials and retires; and what the driver may have in
// flight is bounded by the pool.
const WITHOUT_TIMERS = {
  ssl: false,
  idle_timeout: 0,
  max_lifetime: 0,
  connect_timeout: 0,
  keep_alive: 0,
  backoff: 0,
  max_pipeline: Infinity,
  no_subscribe: true,
};

/** Parsed options, as the driver takes them from another client of its own: unread. */
function clientOptions(base: unknown, options: ClientOptions): Options {
  const { socket, session, password, fetchTypes } = options;
  let isDialled = false;
  return {
    ...(base as Options),
    ...WITHOUT_TIMERS,
    max: 1,
    // One address: with several, the driver keeps the first error to itself.
    host: ["localhost"],
    port: [5432],
    pass: () => password,
    get fetch_types() {
      return fetchTypes();
    },
    onnotice: (notice: Record<string, string>) =>
      session.listener?.onNotice(notice),
    // Single use: whatever makes the driver dial again waits for ever, and is
    // collected with it.
    socket: () => {
      if (isDialled) return new Promise(() => {});
      isDialled = true;
      return socket;
    },
  };
}

/**
 * Runs `make` while the environment looks empty.
 *
 * The driver reads PG* variables whatever it is given, which would ask for a
 * permission; ours were read before, as far as they were needed.
 */
function withoutEnvironment<T>(make: () => T): T {
  const { process } = globalThis as { process?: { env: unknown } };
  if (process === undefined) return make();
  const descriptor = Object.getOwnPropertyDescriptor(process, "env");
  Object.defineProperty(process, "env", {
    configurable: true,
    enumerable: true,
    value: {},
  });
  try {
    return make();
  } finally {
    if (descriptor === undefined) Reflect.deleteProperty(process, "env");
    else Object.defineProperty(process, "env", descriptor);
  }
}
