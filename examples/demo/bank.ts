/** The bank: its tables, and whether its books are right. */
import type { Pool } from "@tidepool/postgres";

export const ACCOUNTS = 10_000;
export const OPENING_BALANCE = 1_000;

/** What the bank's books say. */
export interface Books {
  /** All money of all accounts. */
  readonly total: number;
  readonly accounts: number;
  /** Accounts whose balance is not what their entries add up to. */
  readonly wrongAccounts: number;
  /** Transfers in the books. */
  readonly booked: number;
  /** Transfers that a client was told are done, and that are not in the books. */
  readonly missing: number;
}

/** A bank in a schema of its own, gone when it is disposed. */
export class Bank implements AsyncDisposable {
  readonly schema = `tidepool_demo_${crypto.randomUUID().slice(0, 8)}`;
  readonly #operator: Pool;

  private constructor(operator: Pool) {
    this.#operator = operator;
  }

  /** Opens a bank in which every account has the same. */
  static async open(operator: Pool): Promise<Bank> {
    const bank = new Bank(operator);
    await operator.transaction(async (tx) => {
      await tx`create schema ${tx(bank.schema)}`;
      await tx`set local search_path to ${tx(bank.schema)}`;
      await tx`
        create table accounts (
          id int primary key,
          balance int not null check (balance >= 0)
        ) with (fillfactor = 50)`;
      await tx`
        create table entries (
          account_id int not null references accounts,
          transfer_id bigint not null,
          amount int not null,
          primary key (account_id, transfer_id)
        )`;
      await tx`
        insert into accounts
        select id, ${OPENING_BALANCE} from generate_series(1, ${ACCOUNTS}) id`;
    });
    return bank;
  }

  /** Reads the books, and looks for the transfers that clients were told are done. */
  async audit(confirmed: readonly number[]): Promise<Books> {
    const sql = this.#operator;
    const accounts = sql(`${this.schema}.accounts`);
    const entries = sql(`${this.schema}.entries`);
    const [books] = await sql<Books[]>`
      select
        (select sum(balance)::float8 from ${accounts}) as total,
        (select count(*)::int from ${accounts}) as accounts,
        (select count(*)::int from ${accounts} a
          where balance <> ${OPENING_BALANCE} + (
            select coalesce(sum(amount), 0) from ${entries}
            where account_id = a.id
          )) as "wrongAccounts",
        (select count(distinct transfer_id)::int from ${entries}) as booked,
        (select count(*)::int from (
          select unnest(${sql.array([...confirmed])}::bigint[])
          except select transfer_id from ${entries}
        ) lost) as missing`;
    return books!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#operator`drop schema ${this.#operator(this.schema)} cascade`;
  }
}
