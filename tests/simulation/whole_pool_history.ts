/**
 * One life of a whole pool.
 *
 * @module
 */

import { Choices, type Plan } from "./choices.ts";
import { FakeServer } from "./fake_server.ts";
import { PoolCallers } from "./pool_callers.ts";
import { WholePool } from "./whole_pool.ts";

// No life takes more steps than this to come to rest.
const LONGEST_REST = 600;

type Happening = (choices: Choices) => void;

/** A life with faults, then one without until all is at rest, then the end. */
export class WholePoolHistory {
  readonly #world: WholePool;
  readonly #callers: PoolCallers;
  readonly #server: FakeServer;
  readonly #plan: Plan;
  #closed: { readonly by: number; isDone: boolean } | undefined;

  constructor(plan: Plan, seen: Map<string, number>) {
    this.#plan = plan;
    this.#world = new WholePool(plan, seen);
    this.#callers = new PoolCallers(this.#world);
    this.#server = new FakeServer(this.#world);
  }

  /** Every step, in words. */
  get transcript(): readonly string[] {
    return this.#world.transcript;
  }

  /** Lives it; rejects when anything is not as it must be. */
  async run(): Promise<void> {
    try {
      await this.#live();
      await this.#rest();
      if (this.#closed === undefined) await this.#proveCapacity();
      await this.#end();
    } finally {
      this.#world.end();
    }
  }

  async #live(): Promise<void> {
    const bag = this.#bag();
    await this.#world.settle();
    for (const numbers of this.#plan.events) {
      const choices = new Choices(numbers);
      const [name, happen] = bag[choices.below(bag.length)]!;
      const isHasty = choices.chance(25);
      this.#world.write(name);
      happen(choices);
      // Two things may happen before anybody hears of the first.
      if (!isHasty) await this.#world.settle();
    }
    await this.#world.settle();
  }

  /** What happens in this life, the rare things once and the others more often. */
  #bag(): [string, Happening][] {
    const swarm = [...this.#plan.swarm];
    return this.#happenings().flatMap(([weight, isAlways, name, happen]) =>
      isAlways || swarm.pop()
        ? Array<[string, Happening]>(weight).fill([name, happen])
        : []
    );
  }

  #happenings(): [number, boolean, string, Happening][] {
    const always = true;
    const rarely = false;
    const callers = this.#callers;
    const server = this.#server;
    const { pool } = this.#world;
    return [
      [6, always, "acquire", (c) => callers.acquire(c)],
      [4, always, "query", (c) => callers.query(c)],
      [4, always, "lease query", (c) => callers.leaseQuery(c)],
      [6, always, "release", (c) => callers.release(c)],
      [8, always, "dial opens", (c) => server.open(c)],
      [10, always, "answer", (c) => server.answer(c, "ok")],
      [4, always, "answer together", (c) => server.answerTogether(c)],
      [3, always, "leave", (c) => server.leave(c)],
      [3, always, "cancelled", (c) => server.endCancel(c, "hits")],
      [5, always, "time", (c) => this.#pass(c)],
      [2, rarely, "cancel missed", (c) => server.endCancel(c, "misses")],
      [1, rarely, "cancel fails", (c) => server.endCancel(c, "fails")],
      [3, rarely, "dial fails", (c) => server.fail(c)],
      [1, rarely, "deaf", () => server.turnDeaf()],
      [2, rarely, "SQL error", (c) => server.answer(c, "sqlError")],
      [1, rarely, "XX000", (c) => server.answer(c, "internalError")],
      [3, rarely, "lose", (c) => server.lose(c)],
      [2, rarely, "answer and lose", (c) => server.answerAndLose(c)],
      [1, rarely, "crash", () => server.crash()],
      [3, rarely, "cork", (c) => server.cork(c)],
      [1, rarely, "notice", (c) => server.notice(c)],
      [1, rarely, "tryAcquire", () => callers.tryAcquire()],
      [1, rarely, "ready", () => callers.ready()],
      [3, rarely, "abort", (c) => callers.abort(c)],
      [2, rarely, "abort at hand-off", (c) => callers.abortAtHandOff(c)],
      [2, rarely, "lazy", (c) => callers.makeLazy(c)],
      [2, rarely, "await lazy", () => callers.awaitLazy()],
      [2, rarely, "cancel", (c) => callers.cancel(c)],
      [1, rarely, "destroy", (c) => callers.destroy(c)],
      [2, rarely, "misuse", (c) => callers.misuse(c)],
      [1, rarely, "detach", (c) => callers.detach(c)],
      [2, rarely, "begin", (c) => callers.begin(c)],
      [2, rarely, "pool begin", (c) => callers.beginOnPool(c)],
      [6, rarely, "transact", (c) => callers.transact(c)],
      [1, rarely, "use", (c) => callers.use(c)],
      [1, rarely, "transaction", (c) => callers.transaction(c)],
      [1, rarely, "sleep", (c) => this.#sleep(c)],
      [4, rarely, "stall", (c) => this.#stall(c)],
      [1, rarely, "pause", () => pool.pause()],
      [1, always, "resume", () => pool.resume()],
      [1, rarely, "refresh", () => pool.refresh()],
      [1, rarely, "resize", (c) => this.#resize(c)],
      [1, rarely, "close", (c) => this.#close(c)],
    ];
  }

  /** Time passes: often to the very moment of a deadline. */
  #pass(choices: Choices): void {
    const { clock } = this.#world;
    const dice = choices.below(10);
    const nextMs = clock.nextAt - clock.now();
    if (dice < 5 && nextMs < Infinity) clock.advance(nextMs);
    else if (dice === 9) clock.advance(choices.below(150));
    else clock.advance(1 + choices.below(8));
  }

  /** The event loop is busy when a deadline comes: something else happens first. */
  #stall(choices: Choices): void {
    const { clock } = this.#world;
    if (choices.chance(60)) {
      this.#callers.acquire(choices);
      this.#callers.acquire(choices);
    }
    const deadlines = this.#world.waiting.map(({ deadline }) => deadline);
    const at = Math.min(clock.nextAt, ...deadlines);
    if (at === Infinity) return;
    clock.stall(at - clock.now() + choices.below(3));
    if (choices.chance(70)) this.#callers.release(choices);
    else if (choices.chance(50)) this.#server.answer(choices, "ok");
    else this.#server.open(choices);
    clock.advance(0);
  }

  #sleep(choices: Choices): void {
    this.#world.clock.sleep(choices.pick([3_600_000, 10]));
  }

  #resize(choices: Choices): void {
    const max = 1 + choices.below(3);
    this.#world.maxEver = Math.max(this.#world.maxEver, max);
    this.#world.pool.resize({ max, min: choices.below(max + 1) });
  }

  #close(choices: Choices): void {
    const world = this.#world;
    const { counts } = world.machine.slots.table;
    const states = ["connecting", "preparing", "releasing", "leased", "shared"];
    for (const state of states as (keyof typeof counts)[]) {
      if (counts[state] > 0) world.mark(`closed while ${state}`);
    }
    const timeoutMs = choices.pick([40, 0, 10, 100]);
    // A quarter more, for cancelling, where the event loop stood still till then.
    const by = Math.min(
      world.now + timeoutMs * 1.25,
      this.#closed?.by ?? Infinity,
    );
    const closing = { by, isDone: false };
    this.#closed ??= closing;
    const force = choices.chance(20);
    const closed = world.pool.close({ timeoutMs, force });
    world.call("close", closed, by, () => closing.isDone = true);
  }

  /** The faults stop: everything is answered well until nobody waits. */
  async #rest(): Promise<void> {
    const world = this.#world;
    world.isFaulty = world.driver.isDeaf = false;
    world.pool.resume();
    await this.#callers.endAll();
    for (let left = LONGEST_REST; left > 0; left--) {
      await world.settle();
      await this.#callers.endAll();
      if (this.#server.serve()) continue;
      if (world.waiting.length === 0) return;
      const delayMs = world.clock.nextAt - world.now;
      if (delayMs === Infinity) break;
      world.clock.advance(delayMs);
    }
    const [first] = world.waiting;
    throw new Error(`${first?.kind} ${first?.id} waits for ever`);
  }

  /** As many as there may be get a connection of their own, at the same time. */
  async #proveCapacity(): Promise<void> {
    const world = this.#world;
    const { machine, clock, pool } = world;
    // Until then a permanent failure is told at once.
    clock.advance(Math.max(0, machine.backoff.retryAt - clock.now()));
    await world.settle();
    const { max } = machine.state;
    // What keeps its queue short turns away those who come all at once, or when
    // a hook still hangs.
    const { maxWaiting, overload } = world.options;
    const isPatient = maxWaiting! < max || overload !== undefined;
    const tries = isPatient ? 10 * max : max;
    for (let left = tries; left > 0 && world.held.length < max; left--) {
      const lease = pool.acquire({ timeoutMs: Infinity });
      world.call("capacity", lease, Infinity, (lease) => world.hold(lease));
      if (isPatient) await this.#serveAll();
    }
    await this.#serveAll();
    const { length } = world.held;
    world.must(length === max, `${length} of ${max} could be leased`);
    await this.#rest();
  }

  /** Serves whoever waits, leases being kept. */
  async #serveAll(): Promise<void> {
    const { clock, waiting } = this.#world;
    for (let left = LONGEST_REST; left > 0; left--) {
      await this.#world.settle();
      if (waiting.every(({ isSettled }) => isSettled)) return;
      if (this.#server.serve()) continue;
      const delayMs = clock.nextAt - clock.now();
      if (delayMs < Infinity) clock.advance(delayMs);
    }
  }

  /** Closes the pool, with whatever is still in use, and sees it go. */
  async #end(): Promise<void> {
    const world = this.#world;
    const choices = new Choices(this.#plan.options.toReversed());
    if (this.#closed === undefined) {
      for (let left = choices.below(4); left > 0; left--) {
        this.#callers.acquire(choices);
        this.#callers.query(choices);
      }
      if (choices.chance(50)) await world.settle();
      if (choices.chance(50)) this.#server.serve();
      this.#close(choices);
    }
    const isAnswered = choices.chance(50);
    const { by } = this.#closed!;
    while (isAnswered && this.#server.serve()) await world.settle();
    world.clock.advance(Math.max(0, by - world.now));
    await world.settle();
    await this.#checkEnd();
  }

  async #checkEnd(): Promise<void> {
    const world = this.#world;
    const { driver, clock, machine, shared, pool } = world;
    // What was detached is its holder's.
    for (const session of world.detached) session.destroy();
    const refused = pool.acquire().then(() => "granted", (e) => e.code);
    world.must(await refused === "POOL_CLOSED", "a closed pool grants");
    await world.settle();
    const { phase } = machine.state;
    world.must(phase === "closed", `the pool is ${phase} after its deadline`);
    const { size } = driver.sessions;
    world.must(size === 0, `${size} sessions are left`);
    // A timer that was not needed after all rings once.
    clock.advance(1_000);
    world.must(clock.armed === 0, "a timer goes on for ever");
    world.must(pool.stats().total === 0, "connections are counted");
    const [first] = world.waiting;
    const isHeard = first === undefined;
    world.must(isHeard, `${first?.kind} ${first?.id} was never answered`);
    const { listeners } = shared;
    world.must(listeners === 0, `${listeners} listen to a signal that lasts`);
    for (const dial of driver.dials) dial.open();
    await world.settle();
    world.must(driver.sessions.size === 0, "a late dial left a session");
  }
}
