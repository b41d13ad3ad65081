/** One of many who use the pool: leases, transactions and one-shots, by chance. */
import type { Pool, PooledConnection, Sql, Transaction } from "../../mod.ts";
import type { Random } from "../simulation/random.ts";
import { ACCOUNTS } from "./journal.ts";
import { PlannedError, type Witness } from "./witness.ts";

const MAX_STATEMENTS = 5;
const ABORT_WITHIN_MS = 5;
const CURSOR_ROWS = 50;

/** Works until it is told to stop. */
export class Caller {
  readonly #pool: Pool;
  readonly #witness: Witness;
  readonly #random: Random;
  #leases = 0;
  readonly #name: string;

  constructor(name: string, pool: Pool, witness: Witness, random: Random) {
    this.#name = name;
    this.#pool = pool;
    this.#witness = witness;
    this.#random = random;
  }

  async run(signal: AbortSignal): Promise<void> {
    const work: [string, () => Promise<void>][] = [
      ["one-shot", () => this.#oneShot()],
      ["one-shots", () => this.#oneShots()],
      ["limited", () => this.#limited()],
      ["lease", () => this.#lease()],
      ["cursor", () => this.#cursor()],
      ["copy", () => this.#copy()],
      ["transfer", () => this.#transfer()],
      ["transaction", () => this.#transaction()],
    ];
    while (!signal.aborted) {
      const [what, operation] = work[this.#random.below(work.length)]!;
      await this.#witness.follow(what, operation);
      // Under a dead server failures come at once: the others have turns too.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  async #oneShot(): Promise<void> {
    await this.#run(this.#pool);
  }

  async #oneShots(): Promise<void> {
    const results = await Promise.allSettled(
      Array.from({ length: MAX_STATEMENTS }, () => this.#run(this.#pool)),
    );
    throwFirst(results);
  }

  /** With an end of its own: the caller's, or the clock's. */
  async #limited(): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    const timer = setTimeout(
      () => controller.abort(),
      this.#random.below(ABORT_WITHIN_MS),
    );
    const scope = this.#pool.with({ signal });
    const id = this.#begin();
    try {
      const rows = await scope`
        select note(${id}, '-') as id, pg_backend_pid() as pid, pg_sleep(0.002)`;
      this.#witness.check(id, rows);
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #lease(): Promise<void> {
    await using connection = await this.#pool.acquire();
    const lease = this.#own(connection);
    if (this.#random.chance(0.5)) {
      for (let left = this.#count(); left > 0; left--) {
        await this.#run(connection, lease);
      }
    } else {
      const results = await Promise.allSettled(
        Array.from(
          { length: this.#count() },
          () => this.#run(connection, lease),
        ),
      );
      throwFirst(results);
    }
    if (this.#random.chance(0.1)) throw new PlannedError("Amid a lease");
  }

  async #cursor(): Promise<void> {
    await using connection = await this.#pool.acquire();
    const lease = this.#own(connection);
    const id = this.#begin();
    let next = 1;
    const cursor = connection`
      select note(${id}, ${lease}) as id from generate_series(1, 1)
      union all select n::text from generate_series(1, ${CURSOR_ROWS}::int) n`
      .cursor(7);
    const seen: string[] = [];
    for await (const rows of cursor) {
      seen.push(...rows.map((row) => String(row["id"])));
      if (this.#random.chance(0.05)) return;
    }
    for (const value of seen.slice(1)) {
      if (value !== String(next++)) return this.#report(id, seen);
    }
    if (seen.length !== CURSOR_ROWS + 1) this.#report(id, seen);
  }

  async #copy(): Promise<void> {
    await using connection = await this.#pool.acquire();
    const readable = await connection`
      copy (select n from generate_series(1, 2000) n) to stdout`.readable();
    let text = "";
    for await (const chunk of readable) text += new TextDecoder().decode(chunk);
    const lines = text.split("\n").length - 1;
    if (lines !== 2_000) this.#witness.report(`A COPY gave ${lines} of 2000`);
  }

  /** A disposable transaction. */
  async #transfer(): Promise<void> {
    const id = this.#begin();
    this.#witness.transfers.set(id, "rolled back");
    await using tx = await this.#pool.begin();
    const [row] = await tx`select pg_backend_pid() as pid`;
    const lease = this.#ownPid(Number(row!["pid"]));
    await this.#move(tx, id, lease);
    if (this.#random.chance(0.2)) return;
    if (this.#random.chance(0.1)) throw new PlannedError("Amid a transfer");
    try {
      await tx.commit();
    } finally {
      this.#witness.transfers.set(id, outcomeOf(tx));
    }
  }

  /** A callback, run again when the server asks for it. */
  async #transaction(): Promise<void> {
    const ids: string[] = [];
    let last: Transaction | undefined;
    try {
      await this.#pool.transaction(async (tx) => {
        last = tx;
        const id = this.#begin();
        ids.push(id);
        this.#witness.transfers.set(id, "rolled back");
        const [row] = await tx`select pg_backend_pid() as pid`;
        const lease = this.#ownPid(Number(row!["pid"]));
        await tx.savepoint((inner) => this.#move(inner, id, lease));
        await this.#run(tx, lease);
      }, { retries: 2 });
    } finally {
      const id = ids.at(-1);
      if (id !== undefined && last !== undefined) {
        this.#witness.transfers.set(id, outcomeOf(last));
      }
    }
  }

  async #move(tx: Transaction, id: string, lease: string): Promise<void> {
    const [source, target] = [
      this.#random.below(ACCOUNTS),
      this.#random.below(ACCOUNTS),
    ];
    const amount = 1 + this.#random.below(9);
    await tx`
      update account set balance = balance - ${amount}::int where id = ${source}`;
    await this.#run(tx, lease);
    await tx`
      update account set balance = balance + ${amount}::int where id = ${target}`;
    await tx`
      insert into transfer values (
        note(${id}, ${lease}), ${source}, ${target}, ${amount})`;
  }

  async #run(sql: Sql, lease?: string): Promise<void> {
    const id = this.#begin();
    const rows = await sql`
      select note(${id}, ${lease ?? "-"}) as id, pg_backend_pid() as pid`;
    this.#witness.check(id, rows, lease);
  }

  #begin(): string {
    this.#witness.statements++;
    return this.#witness.nextId();
  }

  #count(): number {
    return 1 + this.#random.below(MAX_STATEMENTS);
  }

  #own({ pid }: PooledConnection): string {
    return this.#ownPid(pid);
  }

  #ownPid(pid: number): string {
    const lease = `${this.#name}.${++this.#leases}`;
    this.#witness.leases.set(lease, pid);
    return lease;
  }

  #report(id: string, seen: readonly string[]): void {
    this.#witness.report(`The cursor ${id} gave ${seen.join(" ")}`);
  }
}

/** What a transaction's caller was told. */
function outcomeOf({ outcome }: Transaction) {
  return outcome === "committed" || outcome === "unknown"
    ? outcome
    : "rolled back";
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  const failed = results.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
