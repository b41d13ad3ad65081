import pg from "npm:pg@8.23.1";
import Pool from "npm:pg-pool@3.14.0";
import {
  type Contender,
  COUNT_SESSIONS,
  type OpenContender,
  type Session,
  SLOW,
  TEN_ROWS,
} from "./contender.ts";

// Prepared by name, as postgres.js does by itself.
const ONE = { name: "one", text: "select 1 as one" };

/** As much of a connection of `pg` as is used here; its types are another package. */
interface PgClient {
  query(
    query: string | object,
    values?: readonly unknown[],
  ): Promise<{ rows: { count: number }[] }>;
  connect(): Promise<unknown>;
  release(): void;
  end(): Promise<void>;
}

/** `pg` and its pool. */
export const contender: Contender = {
  open({ url, max, ca }): OpenContender {
    const options = {
      connectionString: url,
      ...(ca === undefined ? {} : { ssl: { ca } }),
    };
    const pool = new Pool({ ...options, max, Client: pg.Client });
    const acquire = () => pool.connect() as Promise<PgClient>;
    async function use(
      fn: (client: PgClient) => PromiseLike<unknown>,
    ): Promise<unknown> {
      const client = await acquire();
      try {
        return await fn(client);
      } finally {
        client.release();
      }
    }
    return {
      async acquireRelease() {
        const client = await acquire();
        client.release();
      },
      async hold() {
        const client = await acquire();
        return () => client.release();
      },
      withConnection: (fn) => use((client) => fn(sessionOf(client))),
      transaction: (fn) => use((client) => inTransaction(client, fn)),
      oneShot: () => pool.query(ONE),
      slowShot: () => pool.query(SLOW),
      async dial() {
        const client: PgClient = new pg.Client(options);
        await client.connect();
        await client.query(ONE);
        return () => client.end();
      },
      close: () => pool.end(),
    };
  },
};

function sessionOf(client: PgClient): Session {
  return {
    selectOne: () => client.query(ONE),
    readTen: (key) =>
      client.query({ name: "ten", text: TEN_ROWS, values: [key] }),
    countSessions: (application) =>
      client.query(COUNT_SESSIONS, [application])
        .then(({ rows }) => rows[0]!.count),
  };
}

async function inTransaction(
  client: PgClient,
  fn: (session: Session) => PromiseLike<unknown>,
): Promise<unknown> {
  await client.query("begin");
  try {
    const result = await fn(sessionOf(client));
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}
