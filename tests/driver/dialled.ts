/** Connections of the driver layer on a real server, without a pool. */
import type postgres from "postgres";
import type {
  Connection,
  Loss,
  Statement,
} from "../../src/driver/connection.ts";
import { Dialer, type DialerOptions } from "../../src/driver/dialer.ts";
import type { DriverStatement } from "../../src/driver/driver_statement.ts";
import {
  PostgresJs,
  type PostgresJsOptions,
} from "../../src/driver/postgres_js.ts";
import { nodeNet } from "../../src/transport/node_net.ts";
import type { TlsPlan } from "../../src/transport/transport.ts";

export const WITHOUT_TLS: TlsPlan = {
  mode: "disable",
  negotiation: "postgres",
  options: {},
};

/** What a test sets; the rest is as a pool would have it. */
export type DialSettings =
  & Partial<PostgresJsOptions>
  & Partial<Omit<DialerOptions, "createClient">>;

/** Where to, and what the driver is told. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The driver, as a pool would have it but for `settings`. */
export function postgresJs(
  settings: Partial<PostgresJsOptions> = {},
): PostgresJs {
  return new PostgresJs({
    endpoints: [{ host: "localhost", port: 5432 }],
    max: 10,
    username: "postgres",
    database: "postgres",
    types: {},
    transform: undefined,
    connection: {},
    prepare: true,
    debug: false,
    onparameter: undefined,
    readText: () => Promise.resolve(""),
    ...settings,
  });
}

/** Dials one server. */
export class Dialled {
  readonly postgresJs: PostgresJs;
  readonly dialer: Dialer;

  constructor({ host, port }: Address, settings: DialSettings = {}) {
    const endpoint = { host, port };
    this.postgresJs = postgresJs({ endpoints: [endpoint], ...settings });
    this.dialer = new Dialer({
      transport: nodeNet,
      plan: [{ endpoint, requires: "any" }],
      tls: WITHOUT_TLS,
      keepAliveMs: 0,
      password: "",
      fetchTypes: true,
      holdProcess: true,
      ...settings,
      createClient: (options) => this.postgresJs.createClient(options),
    });
  }

  /** Dials; the connection is destroyed with the answer. */
  async open(signal = new AbortController().signal): Promise<Opened> {
    const connection = await this.dialer.dial({ attempt: 0, signal });
    return new Opened(connection, this.postgresJs);
  }

  /** Dials where that must fail; answers the error. */
  async fail(signal = new AbortController().signal): Promise<unknown> {
    try {
      const connection = await this.dialer.dial({ attempt: 0, signal });
      connection.destroy();
    } catch (error) {
      // The driver starts with a timer of 0 ms, which may be due yet.
      await new Promise((resolve) => setTimeout(resolve, 1));
      return error;
    }
    throw new Error("Cannot go on: the dial did not fail");
  }
}

/** One connection, and what it told. */
export class Opened implements AsyncDisposable {
  readonly connection: Connection;
  /** Runs queries on it, as a lease does. */
  readonly sql: postgres.Sql;
  /** The statement that was run last. */
  last: Statement | undefined;
  /** Called once a statement was handed over, in the same turn. */
  onRun: ((statement: Statement) => void) | undefined;
  finished = 0;
  readonly notices: Record<string, string>[] = [];
  readonly lost: Promise<{ loss: Loss; unfinished: readonly Statement[] }>;

  constructor(connection: Connection, postgresJs: PostgresJs) {
    this.connection = connection;
    this.sql = scoped(postgresJs, {
      run: (statement) => {
        this.last = statement;
        connection.run(statement);
        this.onRun?.(statement);
      },
      cancel: () => {},
    });
    this.lost = new Promise((resolve) => {
      connection.listener = {
        onFinished: (count) => this.finished += count,
        onLost: (loss, unfinished) => resolve({ loss, unfinished }),
        onNotice: (notice) => this.notices.push(notice),
      };
    });
  }

  /** What the statement that was run last begins with. */
  get lastText(): string | undefined {
    return (this.last as DriverStatement | undefined)?.query.strings[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

/** What runs queries in a scope, callable as the driver's own. */
export function scoped(
  postgresJs: PostgresJs,
  scope: Parameters<PostgresJs["tag"]>[0],
): postgres.Sql {
  const call = (first: unknown, ...rest: unknown[]) =>
    postgresJs.tag(scope, first, rest);
  const { json, array, typed } = postgresJs.sql;
  const unsafe = (...args: unknown[]) => postgresJs.unsafe(scope, args);
  return Object.assign(call, {
    json,
    array,
    typed,
    unsafe,
  }) as unknown as postgres.Sql;
}

/** Rows of the driver's as plain arrays and objects, to compare. */
export function plain(rows: unknown): unknown {
  return structuredClone(rows);
}

/** Resolves once the server runs a `pg_sleep()` in that session, as `watcher` sees it. */
export async function untilSleeping(
  watcher: Opened,
  pid: number,
): Promise<void> {
  for (;;) {
    const [row] = await watcher.sql`
      select wait_event from pg_stat_activity where pid = ${pid}`;
    if (row?.wait_event === "PgSleep") return;
  }
}
