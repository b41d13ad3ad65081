/**
 * What callers do to a pool: well behaved, hasty and confused ones.
 *
 * @module
 */

import type { PooledConnection, Transaction } from "../../mod.ts";
import type { FakeQuery } from "../support/fake_statement.ts";
import type { Choices } from "./choices.ts";
import { CountedSignal } from "./counted_signal.ts";
import type { Caller, Holding, WholePool } from "./whole_pool.ts";

/** A transaction in somebody's hands. */
interface Open {
  readonly tx: Transaction;
  /** On which lease; `undefined`: one of its own. */
  readonly holding: Holding | undefined;
}

type Sql = Pick<PooledConnection, "unsafe">;

const TEXTS: [string, ...string[]] = [
  "select",
  "select",
  "select",
  "set",
  "alone",
  "begin in a query",
];

// Of promises, from when a caller is turned away to when he is told.
const REFUSAL_TURNS = 8;

/** Everybody who uses one pool. */
export class PoolCallers {
  readonly #world: WholePool;
  readonly #transactions: Open[] = [];
  readonly #queries: FakeQuery[] = [];
  /** Made, and not awaited yet. */
  readonly #lazy: FakeQuery[] = [];
  #lastGranted = 0;
  /** A lease that is waited for, in the order of asking. */
  #order: Caller[] = [];
  #leases: Caller[] = [];

  constructor(world: WholePool) {
    this.#world = world;
  }

  acquire(choices: Choices): Caller {
    const world = this.#world;
    const timeoutMs = choices.pick([undefined, 20, 0, 5, 50, Infinity]);
    const { signal, own } = this.#signal(choices);
    const { acquireTimeoutMs } = world.options;
    const deadline = world.now + (timeoutMs ?? acquireTimeoutMs!);
    const asked = world.pool.acquire({ signal, timeoutMs });
    const caller: Caller = world.call("acquire", asked, deadline, (lease) => {
      void this.#checkTurn(caller);
      if (caller.isAborted) world.mark("an abort at the hand-off");
      world.hold(lease);
    });
    this.#order.push(caller);
    this.#leases.push(caller);
    if (own !== undefined) {
      this.#mayAbort(caller, own);
      if (choices.chance(4)) caller.abort!();
    }
    return caller;
  }

  tryAcquire(): void {
    const world = this.#world;
    if (world.options.onAcquire !== undefined) return;
    const lease = world.pool.tryAcquire();
    world.write(`tryAcquire: ${lease?.pid}`);
    if (lease !== undefined) world.hold(lease);
  }

  ready(): void {
    const { pool, now } = this.#world;
    this.#world.call("ready", pool.ready({ timeoutMs: 30 }), now + 30);
  }

  /** Gives up a wait, or a query, through its signal. */
  abort(choices: Choices): void {
    const abortable = this.#world.waiting.filter(({ abort }) => abort);
    const caller = choices.maybe(abortable);
    if (caller === undefined) return;
    caller.abort!();
  }

  /** Gives up a wait in the turn in which its lease comes free. */
  abortAtHandOff(choices: Choices): void {
    const waiting = this.#leases.find(({ isSettled, abort }) =>
      !isSettled && abort !== undefined
    );
    const holding = choices.maybe(this.#world.held);
    if (waiting === undefined || holding === undefined) return;
    this.#end(holding);
    waiting.abort!();
  }

  /** A one-shot, with limits or without. */
  query(choices: Choices): void {
    const { pool } = this.#world;
    const isLimited = choices.chance(30);
    const { signal, own } = this.#signal(choices);
    const timeoutMs = choices.pick([undefined, 5, 20]);
    const scope = isLimited ? pool.with({ signal, timeoutMs }) : pool;
    const caller = this.#ask("query", scope, undefined, choices);
    if (isLimited && own !== undefined) {
      this.#mayAbort(caller, own);
      if (choices.chance(10)) caller.abort!();
    }
  }

  /** A query of a lease, perhaps with limits. */
  leaseQuery(choices: Choices): void {
    const holding = choices.maybe(this.#world.held);
    if (holding === undefined) return;
    const { lease } = holding;
    const { signal, own } = this.#signal(choices);
    const scope = choices.chance(25)
      ? lease.with({ signal, timeoutMs: choices.pick([undefined, 5]) })
      : lease;
    const caller = this.#ask("leased", scope, holding, choices);
    if (scope !== lease && own !== undefined) this.#mayAbort(caller, own);
  }

  /** Makes a query that is awaited later, when its lease may be over. */
  makeLazy(choices: Choices): void {
    const holding = choices.maybe(this.#world.held);
    if (holding === undefined) return;
    this.#lazy.push(this.#make(holding.lease, holding, "select late"));
  }

  awaitLazy(): void {
    const query = this.#lazy.shift();
    if (query !== undefined) this.#world.call("late", query);
  }

  cancel(choices: Choices): void {
    choices.maybe(this.#queries)?.cancel();
  }

  release(choices: Choices): void {
    const holding = choices.maybe(this.#world.held);
    if (holding !== undefined) this.#end(holding, choices.below(3));
  }

  destroy(choices: Choices): void {
    const holding = choices.maybe(this.#world.held);
    if (holding === undefined) return;
    holding.isOver = true;
    holding.lease.destroy();
  }

  /** Uses a lease that is over: nothing of it may reach a wire. */
  misuse(choices: Choices): void {
    const world = this.#world;
    const over = world.holdings.filter(({ isOver }) => isOver);
    const holding = choices.maybe(over);
    if (holding === undefined) return;
    const { lease } = holding;
    const dice = choices.below(4);
    if (dice === 0) this.#ask("misused", lease, holding, choices);
    else if (dice === 1) world.call("misused begin", lease.begin());
    else if (dice === 2) {
      this.#release("released again", lease);
    } else world.must(lease.signal.aborted, "a lease that is over has no end");
  }

  /** Takes a connection out of the pool, and closes it sooner or later. */
  detach(choices: Choices): void {
    const world = this.#world;
    const holding = choices.maybe(world.held);
    if (holding === undefined) return;
    const session = world.session(holding.pid);
    if (session === undefined || session.isLost) return;
    holding.isOver = true;
    const own = holding.lease.detach();
    world.detached.add(session);
    world.mark("detached");
    world.call("detached", own.release());
  }

  begin(choices: Choices): void {
    const world = this.#world;
    const holding = choices.maybe(world.held);
    if (holding === undefined) return;
    world.call("begin", holding.lease.begin(), Infinity, (tx) => {
      this.#transactions.push({ tx, holding });
    });
  }

  beginOnPool(choices: Choices): void {
    const timeoutMs = choices.pick([50, 5, undefined]);
    const begun = this.#world.pool.begin({ timeoutMs });
    this.#world.call("pool begin", begun, Infinity, (tx) => {
      this.#transactions.push({ tx, holding: undefined });
    });
  }

  /** Goes on with a transaction, or ends it. */
  transact(choices: Choices): void {
    const world = this.#world;
    const open = choices.maybe(this.#transactions);
    if (open === undefined) return;
    const { tx, holding } = open;
    const dice = choices.below(6);
    if (dice < 2) world.call("in transaction", this.#plain(tx));
    else if (dice === 2) world.call("rollback", tx.rollback());
    else if (dice === 3) {
      world.call("savepoint", tx.savepoint(), Infinity, (inner) => {
        this.#transactions.push({ tx: inner, holding });
      });
    } else if (dice === 4) world.call("leave", tx[Symbol.asyncDispose]());
    else world.call("commit", tx.commit());
  }

  /** A body that runs a query, or throws, or asks for one more lease. */
  use(choices: Choices): void {
    const { pool } = this.#world;
    const dice = choices.below(4);
    const used = pool.use(async (lease) => {
      if (dice === 0) throw new Error("A body threw");
      if (dice === 1) await pool.use(() => {}, { timeoutMs: 5 });
      await this.#plain(lease);
    });
    this.#world.call("use", used);
  }

  transaction(choices: Choices): void {
    const isFailing = choices.chance(30);
    const done = this.#world.pool.transaction(async (tx) => {
      await this.#plain(tx);
      if (isFailing) throw new Error("A body threw");
    }, { retries: 1 });
    this.#world.call("transaction", done);
  }

  /** Everybody ends what they hold. */
  async endAll(): Promise<void> {
    for (const { tx } of this.#transactions.splice(0).reverse()) {
      this.#world.call("leave", tx[Symbol.asyncDispose]());
    }
    await this.#world.settle();
    for (const holding of this.#world.held) this.#end(holding);
  }

  #end(holding: Holding, times = 1): void {
    holding.isOver = true;
    const { lease } = holding;
    for (let left = Math.max(1, times); left > 0; left--) {
      this.#release("release", lease);
    }
  }

  /** However the connection fares, it is put back in time or given up. */
  #release(kind: string, lease: PooledConnection): void {
    const world = this.#world;
    const deadline = world.now + world.options.releaseTimeoutMs!;
    world.call(kind, lease.release(), deadline);
  }

  /** Whoever gives up is answered at once. */
  #mayAbort(caller: Caller, own: CountedSignal): void {
    caller.abort = () => {
      caller.isAborted = true;
      caller.deadline = this.#world.now;
      own.abort();
    };
  }

  #signal(choices: Choices) {
    const dice = choices.below(4);
    if (dice < 2) return { signal: undefined, own: undefined };
    if (dice === 2) {
      return { signal: this.#world.shared.signal, own: undefined };
    }
    const own = new CountedSignal();
    return { signal: own.signal, own };
  }

  #ask(
    kind: string,
    scope: unknown,
    holding: Holding | undefined,
    choices: Choices,
  ): Caller {
    const query = this.#make(scope as Sql, holding, choices.pick(TEXTS));
    this.#queries.push(query);
    return this.#world.call(kind, query);
  }

  #make(scope: Sql, holding: Holding | undefined, text: string): FakeQuery {
    const query = scope.unsafe(text) as unknown as FakeQuery;
    this.#world.owners.set(query.statement, holding);
    return query;
  }

  /** A query whose place is checked by its holder alone. */
  #plain(scope: unknown): PromiseLike<unknown> {
    return (scope as Sql).unsafe("select") as unknown as FakeQuery;
  }

  /** Who asked for a lease first has been answered first. */
  async #checkTurn({ id }: Caller): Promise<void> {
    const last = this.#lastGranted;
    this.#world.must(last < id, `acquire ${last} overtook ${id}`);
    this.#lastGranted = id;
    // Who was turned away before that is told a few turns later.
    for (let turn = 0; turn < REFUSAL_TURNS; turn++) await undefined;
    this.#order = this.#order.filter(({ isSettled }) => !isSettled);
    const first = this.#order[0];
    const isFirst = first === undefined || first.id > id;
    this.#world.must(isFirst, `acquire ${id} overtook ${first?.id}`);
  }
}
