import type { Contender, OpenContender, Session } from "./contender.ts";

type Tag = (
  strings: TemplateStringsArray,
  ...values: unknown[]
) => Promise<unknown>;
type Reserved = Tag & { release(): void };
interface BunSql extends Tag {
  reserve(): Promise<Reserved>;
  begin(fn: (tx: Tag) => PromiseLike<unknown>): Promise<unknown>;
  close(): Promise<void>;
}

/** `Bun.SQL`; runs in Bun only, where it is installed. */
export const contender: Contender = {
  open({ url, max }): OpenContender {
    const { Bun } = globalThis as unknown as {
      Bun: { SQL: new (options: object) => BunSql };
    };
    const sql = new Bun.SQL({ url, max });
    return {
      async acquireRelease() {
        const reserved = await sql.reserve();
        reserved.release();
      },
      async withConnection(fn) {
        const reserved = await sql.reserve();
        try {
          return await fn(sessionOf(reserved));
        } finally {
          reserved.release();
        }
      },
      transaction: (fn) => sql.begin((tx) => fn(sessionOf(tx))),
      oneShot: () => sql`select 1 as one`,
      slowShot: () => sql`select pg_sleep(0.02)`,
      close: () => sql.close(),
    };
  },
};

function sessionOf(sql: Tag): Session {
  return {
    selectOne: () => sql`select 1 as one`,
    readTen: (key) =>
      sql`select id, owner, note from bench_rows where owner = ${key}`,
    countSessions: () => Promise.resolve(NaN),
  };
}
