/** What every contender can be asked for, in the words of none of them. */

/** How a contender opens. */
export interface OpenOptions {
  readonly url: string;
  readonly max: number;
  /** The most one-shots in flight on one connection; only ours is told. */
  readonly pipeline?: number | undefined;
  /** The authority's certificate: connect with TLS. */
  readonly ca?: string | undefined;
}

/** One connection that a caller has for itself. */
export interface Session {
  selectOne(): PromiseLike<unknown>;
  /** Ten rows, by a key. */
  readTen(key: number): PromiseLike<unknown>;
  /** How many sessions the server has of an application. */
  countSessions(application: string): PromiseLike<number>;
}

/** Something under test, opened. What it cannot do it leaves out. */
export interface OpenContender {
  /** Acquires a connection and releases it. */
  acquireRelease?(): Promise<unknown>;
  /** Acquires a connection; answers what releases it. */
  hold?(): Promise<() => unknown>;
  /** Runs `fn` on a connection of its own; `loop` is the number of the caller. */
  withConnection?(
    fn: (session: Session) => PromiseLike<unknown>,
    loop: number,
  ): Promise<unknown>;
  /** Runs `fn` in a transaction. */
  transaction?(
    fn: (session: Session) => PromiseLike<unknown>,
    loop: number,
  ): Promise<unknown>;
  /** A `select 1` on any connection. */
  oneShot?(): PromiseLike<unknown>;
  /** A statement of 20 ms on any connection. */
  slowShot?(): PromiseLike<unknown>;
  /** Opens one more connection and runs `select 1` on it; answers what closes it. */
  dial?(): Promise<() => unknown>;
  close(): Promise<unknown>;
}

/** Something under test. */
export interface Contender {
  open(options: OpenOptions): OpenContender | Promise<OpenContender>;
}

export const TEN_ROWS =
  "select id, owner, note from bench_rows where owner = $1";
export const COUNT_SESSIONS =
  "select count(*)::int as count from pg_stat_activity " +
  "where application_name = $1";
export const SLOW = "select pg_sleep(0.02)";
