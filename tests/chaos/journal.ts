/**
 * What the server saw, by its own account: which statement ran, how often, for
 * which lease, in which session; and a bank whose money can be counted.
 *
 * The journal is the server's log, which a rollback does not touch: a statement
 * that ran twice is seen even if neither run was committed.
 */
import { join } from "node:path";
import postgres from "postgres";
import type { TestServer } from "../support/postgres_server.ts";

/** How many accounts there are, and what is in each at first. */
export const ACCOUNTS = 1_000;
const BALANCE = 1_000;

/** Settings that a server needs to keep a journal in its log. */
export const JOURNAL_SETTINGS = {
  log_line_prefix: "",
  log_error_verbosity: "terse",
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_checkpoints: "off",
} as const;

const SCHEMA = `
  create function note(id text, lease text) returns text
  language plpgsql as $$ begin
    raise log 'ran % % %', id, lease, pg_backend_pid();
    return id;
  end $$;
  create table account (id int primary key, balance int not null);
  insert into account select n, ${BALANCE} from generate_series(0, ${
  ACCOUNTS - 1
}) n;
  create table transfer (id text, source int, target int, amount int);`;

/** One run of one statement. */
export interface Entry {
  readonly id: string;
  readonly lease: string;
  readonly pid: number;
}

/** What became of a transfer, as its caller was told. */
export type TransferFate = "committed" | "rolled back" | "unknown";

/** The server's side of a run. */
export class Journal implements AsyncDisposable {
  readonly #server: TestServer;
  readonly #admin: postgres.Sql;

  constructor(server: TestServer) {
    this.#server = server;
    this.#admin = postgres(server.url, {
      max: 1,
      fetch_types: false,
      onnotice: () => {},
    });
  }

  /** Makes the bank. */
  async open(): Promise<void> {
    await this.#admin.unsafe(SCHEMA);
  }

  /** Every run of every statement, in order. */
  async entries(): Promise<Entry[]> {
    const log = join(this.#server.dataDir!, "..", "log");
    const text = await Deno.readTextFile(log);
    return [...text.matchAll(/^LOG: {2}ran (\S+) (\S+) (\d+)$/gm)].map(
      ([, id, lease, pid]) => ({ id: id!, lease: lease!, pid: Number(pid) }),
    );
  }

  /** How much the bank is wrong by, against what its callers were told. */
  async moneyLost(told: ReadonlyMap<string, TransferFate>): Promise<number> {
    const transfers = await this.#admin<{ id: string; count: number }[]>`
      select id, count(*)::int as count from transfer group by id`;
    const done = new Map(transfers.map(({ id, count }) => [id, count]));
    const misled = [...told].filter(([id, fate]) =>
      (done.get(id) ?? 0) !== countOf(fate, done.get(id) ?? 0)
    );
    return misled.length + await this.#imbalance();
  }

  /** The sessions under this label. */
  async pids(applicationName: string): Promise<number[]> {
    const rows = await this.#admin<{ pid: number }[]>`
      select pid from pg_stat_activity
      where application_name = ${applicationName} order by pid`;
    return rows.map(({ pid }) => pid);
  }

  /** Ends a session. */
  async terminate(pid: number): Promise<boolean> {
    const [row] = await this.#admin<{ done: boolean }[]>`
      select pg_terminate_backend(${pid}::int) as done`;
    return row!.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.end({ timeout: 1 });
  }

  /** What is missing or too much in the accounts, by the transfers that are in the book. */
  async #imbalance(): Promise<number> {
    const [row] = await this.#admin<{ wrong: number }[]>`
      select coalesce(sum(abs(balance - ${BALANCE}::int - coalesce(moved, 0))), 0)::int
        as wrong
      from account left join (
        select id, sum(amount) as moved from (
          select source as id, -amount as amount from transfer
          union all select target, amount from transfer
        ) as moves group by id
      ) as sums using (id)`;
    return row!.wrong;
  }
}

/** How often a transfer should be in the book. */
function countOf(fate: TransferFate, seen: number): number {
  if (fate === "unknown") return Math.min(seen, 1);
  return fate === "committed" ? 1 : 0;
}
