/**
 * A whole pool between a server that is not there and callers of all kinds, and
 * what must be so at any moment of its life.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Pool, PooledConnection } from "../../mod.ts";
import type { Effect } from "../../src/core/effect.ts";
import type { Input } from "../../src/core/input.ts";
import { assertInvariants } from "../../src/core/invariants.ts";
import { PoolMachine } from "../../src/core/pool_machine.ts";
import type { Statement } from "../../src/driver/connection.ts";
import type { Member } from "../../src/shell/member.ts";
import { assemblePool } from "../../src/pool_assembly.ts";
import type { PoolEvent } from "../../src/pool_events.ts";
import { EVENT_TYPES } from "../support/event_types.ts";
import {
  type PoolOptions,
  resolvePoolOptions,
} from "../../src/pool_options.ts";
import { FakeDriver } from "../support/fake_driver.ts";
import type { FakeSession } from "../support/fake_session.ts";
import { fakeMaker, type FakeStatement } from "../support/fake_statement.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Choices, type Plan } from "./choices.ts";
import { CountedSignal } from "./counted_signal.ts";
import { randomOptions, showInfinity } from "./random_options.ts";

/** A lease in somebody's hands. */
export interface Holding {
  readonly lease: PooledConnection;
  readonly pid: number;
  /** Since its holder ended it. */
  isOver: boolean;
}

/** Somebody who waits for an answer. */
export interface Caller {
  readonly id: number;
  readonly kind: string;
  /** Until when an answer has to come; `Infinity`: for ever. */
  deadline: number;
  isSettled: boolean;
  abort?: (() => void) | undefined;
  isAborted?: boolean;
}

type Step = (input: Input<Member>) => readonly Effect<Member>[];

/** The one world that is being watched: lives follow one another. */
let watched: WholePool | undefined;
const { step } = PoolMachine.prototype;
PoolMachine.prototype.step = function (input) {
  const effects = step.call(this, input);
  watched?.onStep(this, input as Input<Member>, effects as ReturnType<Step>);
  return effects;
};

const unhandled: unknown[] = [];
addEventListener("unhandledrejection", (event) => {
  if (watched === undefined) return;
  event.preventDefault();
  unhandled.push(event.reason);
});

/** One pool, and everybody around it. */
export class WholePool {
  readonly clock = new ManualClock();
  readonly driver: FakeDriver;
  readonly pool: Pool;
  readonly options: PoolOptions;
  /** What hooks and listeners do. */
  readonly asides: Choices;
  readonly holdings: Holding[] = [];
  readonly callers: Caller[] = [];
  /** Whose lease a statement was made with; `undefined`: the pool's. */
  readonly owners = new Map<FakeStatement, Holding | undefined>();
  readonly transcript: string[] = [];
  readonly seen: Map<string, number>;
  /** A signal that lives as long as its process, and how many listen to it. */
  readonly shared = new CountedSignal();
  /** Whether hooks and listeners misbehave. */
  isFaulty = true;
  machine!: PoolMachine<Member>;
  /** Connections that were taken out of the pool. */
  readonly detached = new Set<FakeSession>();
  maxEver: number;
  /** The connections that a hook failed on. */
  readonly #condemned = new Set<number>();
  readonly #sent = new Set<FakeStatement>();
  #violation: Error | undefined;
  #lastId = 0;

  constructor(plan: Plan, seen: Map<string, number>) {
    this.seen = seen;
    watched = this;
    unhandled.length = 0;
    const choices = new Choices(plan.options);
    this.asides = new Choices(plan.asides);
    this.driver = new FakeDriver({
      onRun: (session, statement) => this.#onRun(session, statement),
      onSent: (session, statement) => this.#onSent(session, statement),
      onCancel: (session) => {
        const isSafe = session.isClosing || session.mayCancel;
        this.must(isSafe, `a cancel request may hit others on ${session.pid}`);
      },
    }, 1 + choices.below(2));
    this.clock.chance = () => this.asides.below(100) / 100;
    this.options = randomOptions(
      choices,
      (name) => (lease) => this.#hook(name, lease),
    );
    this.maxEver = this.options.max!;
    this.write(JSON.stringify(this.options, showInfinity));
    this.pool = assemblePool({
      options: resolvePoolOptions(this.options),
      driver: this.driver,
      maker: fakeMaker,
      clock: this.clock,
    }).public;
    for (const type of EVENT_TYPES) {
      this.pool.addEventListener(type, (event) => this.#onEvent(event));
    }
  }

  get now(): number {
    return this.clock.now();
  }

  /** Counts a rare state. */
  mark(name: string): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
  }

  write(line: string): void {
    this.transcript.push(`${this.now} ${line}`);
  }

  /** Notes that something is not as it must be. */
  object(message: string): void {
    this.#violation ??= new Error(message);
  }

  must(isSo: boolean, objection: string): void {
    if (!isSo) this.object(objection);
  }

  /** Lets everything happen that can, then looks whether all is well. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
    if (unhandled.length > 0) {
      this.object(`Nobody handles: ${String(unhandled[0])}`);
    }
    this.#check();
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Somebody waits for `answer`, which must come, and by its deadline. */
  call<T>(
    kind: string,
    answer: PromiseLike<T>,
    deadline = Infinity,
    onAnswer?: (value: T) => void,
  ): Caller {
    const id = ++this.#lastId;
    const caller: Caller = { id, kind, deadline, isSettled: false };
    this.callers.push(caller);
    const end = (outcome: string) => {
      if (caller.isSettled) this.object(`${kind} ${id} was answered twice`);
      caller.isSettled = true;
      this.write(`${kind} ${id}: ${outcome}`);
    };
    answer.then((value) => {
      end("ok");
      onAnswer?.(value);
    }, (error) => end(describe(error)));
    return caller;
  }

  /** Somebody has a lease, and nobody else has its connection. */
  hold(lease: PooledConnection): Holding {
    const { pid } = lease;
    const holding = { lease, pid, isOver: false };
    const others = this.holdings.filter((other) =>
      other.pid === pid && !other.isOver
    );
    this.must(others.length === 0, `${pid} has two holders`);
    const isFit = !this.#condemned.has(pid);
    this.must(isFit, `${pid} was granted although a hook had failed on it`);
    const session = this.session(pid);
    if (session !== undefined) {
      const { transactionStatus, inFlight, isDamaged, isCancelling } = session;
      this.must(transactionStatus === "idle", `${pid}: ${transactionStatus}`);
      this.must(inFlight === 0, `${pid} was granted amid ${inFlight}`);
      this.must(!isDamaged, `${pid} was granted damaged`);
      this.must(!isCancelling, `${pid} was granted amid a cancel request`);
      const isClean = this.options.reset !== "session" || !session.isDirty;
      this.must(isClean, `${pid} was granted with another's settings`);
    } else this.mark("lost before its holder could look");
    this.holdings.push(holding);
    return holding;
  }

  session(pid: number): FakeSession | undefined {
    return [...this.driver.sessions].find((session) => session.pid === pid);
  }

  /** All leases that are held. */
  get held(): Holding[] {
    return this.holdings.filter(({ isOver }) => !isOver);
  }

  /** All that wait. */
  get waiting(): Caller[] {
    return this.callers.filter(({ isSettled }) => !isSettled);
  }

  /** What a session is to the pool. */
  stateOf(session: FakeSession): string {
    for (const { connection, state } of this.machine.slots.table) {
      if (connection?.connection === session) return state;
    }
    return "unknown";
  }

  /** Ends the watch; what is wrong by now is thrown. */
  end(): void {
    watched = undefined;
    if (this.#violation !== undefined) throw this.#violation;
  }

  onStep(
    machine: PoolMachine<never> | PoolMachine<Member>,
    input: Input<Member>,
    effects: readonly Effect<Member>[],
  ): void {
    this.machine = machine as PoolMachine<Member>;
    const told = effects.map(({ kind }) => kind).join(" ");
    this.write(`  ${input.kind} → ${told}`);
    try {
      assertInvariants(this.machine, input.now);
    } catch (error) {
      this.object((error as Error).message);
    }
    if (input.kind === "acquire" && input.isResent) {
      this.mark("a one-shot is sent again");
      const { statement } = input.waiter as Partial<{ statement: Statement }>;
      this.must(!statement?.isAbandoned, "one that was given up is sent again");
    }
    const isTimeout = effects.some((effect) =>
      effect.kind === "turnAway" && effect.refusal === "timeout"
    );
    const isGrant = effects.some(({ kind }) => kind === "grant");
    if (isTimeout && isGrant) this.mark("a deadline and a grant in one step");
  }

  #check(): void {
    const late = this.callers.find(({ isSettled, deadline }) =>
      !isSettled && deadline <= this.now
    );
    if (late !== undefined) {
      this.object(`${late.kind} ${late.id} waits past ${late.deadline}`);
    }
    const stats = this.pool.stats();
    const answered = stats.acquires + stats.queries + stats.acquireTimeouts +
      stats.acquireAborts + stats.acquireClosed + stats.acquireOverloads +
      stats.acquireFailures + stats.waiting;
    this.must(
      answered === stats.requests,
      `${stats.requests} requests, ${answered} answers`,
    );
    const dials = [...this.driver.dials].filter(({ signal }) =>
      !signal.aborted
    );
    const { sessions } = this.driver;
    const ours = [...sessions].filter((one) => !this.detached.has(one));
    const total = ours.length + dials.length;
    this.must(total <= this.maxEver, `${total} connections of ${this.maxEver}`);
  }

  #onRun(session: FakeSession, statement: FakeStatement): void {
    const { pid } = session;
    this.write(`  ${pid} runs ${JSON.stringify(statement.text)}`);
    this.must(!session.isLost, `${statement.text} was run on a lost session`);
    const holder = this.held.find((one) =>
      one.pid === pid && !this.detached.has(session)
    );
    if (statement.isCommand) {
      const isUpkeep = statement.text === "" || statement.text.includes(";");
      const isMisplaced = isUpkeep && !statement.text.startsWith("rollback to");
      this.must(
        !isMisplaced || holder === undefined,
        `${pid} is upkept leased`,
      );
      return;
    }
    if (!this.owners.has(statement)) return;
    const owner = this.owners.get(statement);
    if (owner === undefined) {
      const isSafe = !statement.text.startsWith("begin");
      this.must(isSafe, "a one-shot began a transaction");
      this.must(holder === undefined, `a one-shot is run on a lease of ${pid}`);
    } else {
      this.must(owner.pid === pid, `${owner.pid}'s statement is run on ${pid}`);
      this.must(!owner.isOver, `a released lease of ${pid} runs a statement`);
    }
  }

  #onSent({ pid }: FakeSession, statement: FakeStatement): void {
    const { text } = statement;
    this.must(!this.#sent.has(statement), `${text} is run twice, on ${pid}`);
    this.#sent.add(statement);
  }

  #onEvent(event: PoolEvent): void {
    const { type } = event;
    this.write(`  event ${type}`);
    this.pool.stats();
    if (!this.isFaulty) return;
    const dice = this.asides.below(40);
    if (dice === 39) throw new Error("A listener threw");
    if (dice === 38 && type !== "acquireerror") {
      this.mark("a listener uses the pool");
      this.call("ready", this.pool.ready({ timeoutMs: 5 }));
    }
  }

  async #hook(name: string, lease: PooledConnection): Promise<void> {
    const dice = this.isFaulty ? this.asides.below(12) : 0;
    this.write(`  ${name} ${dice}`);
    if (dice < 4) return;
    if (dice < 8) return void await lease.unsafe("select in a hook");
    if (dice === 8) {
      this.#condemned.add(lease.pid);
      throw new Error("A hook threw");
    }
    this.mark(`a hook misbehaves`);
    if (dice === 9) return await new Promise<never>(() => {});
    if (dice === 10) return void await lease.unsafe("begin in a hook");
    lease.unsafe("select in the background").catch(() => {});
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : `${error.name}: ${error.message}`;
}
