/**
 * Statements of the driver: each is one of its lazy queries.
 *
 * @module
 */

import { placeError } from "../call_site.ts";
import type { StatementScope } from "./connection.ts";
import { copyCursorError, copySimply, mayHoldCopy } from "./copy_stream.ts";
import { endCursor } from "./cursor.ts";
import {
  describeFault,
  type DriverQuery,
  PASSED_OVER,
} from "./driver_query.ts";
import { mentionsTemporary } from "./first_word.ts";
import {
  type DriverContext,
  type Fault,
  handOver,
  handOverAnew,
} from "./hand_over.ts";
import { LazyQuery } from "./lazy_query.ts";
import { OpenReply, type ReplyOwner } from "./open_reply.ts";
import { PreparedPlan } from "./prepared_plan.ts";
import type { SessionStatement } from "./statement_line.ts";

function ignore(): void {}

/** One statement of postgres.js: a lazy query. */
export class DriverStatement implements SessionStatement, ReplyOwner {
  readonly query: LazyQuery;
  readonly firstWord: string;
  isSent = false;
  isAbandoned = false;
  isBarrier = false;
  isCommand = false;
  refusal: (() => Error) | undefined;
  carrier: unknown;
  onEnd: (() => void) | undefined;
  next: SessionStatement | undefined;
  readonly #isCopy: boolean;
  readonly mayCopy: boolean;
  mustRunAgain = false;
  #plan: PreparedPlan | undefined;
  /** Why it is to run again. */
  #staleError: unknown;
  /** Of those that may last. */
  #reply: OpenReply | undefined;
  #onError: ((error: unknown) => boolean) | undefined;
  #abandonment: Fault | undefined;
  /** What has its place in the driver's own line. */
  #place: DriverQuery;

  constructor(query: LazyQuery) {
    this.query = query;
    this.#place = query;
    this.firstWord = query.firstWord;
    this.#isCopy = query.streaming === true || this.firstWord === "copy";
    this.mayCopy = this.#isCopy || mayHoldCopy(query, this.firstWord);
  }

  /** The statement of a query; made when it is first asked for. */
  static of(query: LazyQuery): DriverStatement {
    return query.statementOf(makeStatement);
  }

  get isExclusive(): boolean {
    const { options, forEachFn } = this.query;
    return Boolean(options.simple) || forEachFn !== undefined || this.isLasting;
  }

  get mayMakeTemporary(): boolean {
    return this.firstWord === "create" || speaksOfTemporary(this.query);
  }

  get isOrphan(): boolean {
    return this.isAbandoned && this.#place === this.query;
  }

  get isAnswered(): boolean {
    return this.query.isSettled;
  }

  whenAnswered(then: () => void): void {
    // The rows of a loop are its answer: no promise of them is settled.
    if (this.isAnswered || this.query.isIterated) then();
    else Promise.prototype.then.call(this.query, then, then);
  }

  get isOpen(): boolean {
    const { cursorFn, isSettled } = this.query;
    if (cursorFn !== undefined || this.#isCopy && !isSettled) return true;
    return this.#reply?.isStreaming === true;
  }

  get isLeft(): boolean {
    return this.#reply?.isLeft === true;
  }

  get isSuspended(): boolean {
    return this.#reply?.isSuspended === true;
  }

  get isLasting(): boolean {
    if (this.query.cursorFn !== undefined || this.#isCopy) return true;
    return this.mayCopy && Boolean(this.query.options.simple);
  }

  get isEndedCursor(): boolean {
    const { cursorFn, active } = this.query;
    return cursorFn !== undefined && !active && !this.isAbandoned;
  }

  get isBlocking(): boolean {
    const { describeFirst, onlyDescribe } = this.query;
    return Boolean(describeFirst) || onlyDescribe === true || this.isLasting ||
      this.isBarrier;
  }

  watchError(onError: (error: unknown) => boolean): void {
    this.#onError = onError;
  }

  abandon(error: unknown): void {
    this.isAbandoned = true;
    this.#abandonment = { error };
    this.fail(error);
    this.#reply?.leave?.();
  }

  fail(error: unknown): void {
    // What dies is no reason to end the process where nobody waits for this one.
    this.#ignoreError();
    this.refuse(error);
  }

  refuse(error: unknown): void {
    placeError(error, this.query);
    this.query.reject(error);
    if (this.query.cursorFn !== undefined) endCursor(this.query, error);
  }

  recall(): void {
    const { query } = this;
    this.isSent = false;
    this.#plan?.restore();
    query.state = null;
    query.active = false;
    // The driver serializes parameters in place, and would do so twice.
    query.parameters = null;
  }

  end(): void {
    const { onEnd } = this;
    this.#reply?.end();
    this.onEnd = undefined;
    onEnd?.();
  }

  shield(): () => void {
    const { resolve, reject } = this.query;
    this.query.resolve = this.query.reject = ignore;
    return () => void Object.assign(this.query, { resolve, reject });
  }

  /** Runs in a scope, unless it was cancelled before: whoever awaits it now is told so. */
  runIn(scope: StatementScope): void {
    if (this.#abandonment === undefined) scope.run(this);
    else this.query.reject(this.#abandonment.error);
  }

  /** Hands the query to a driver's client; answers whether a reply will come of it. */
  execute(context: DriverContext, head: DriverStatement | undefined): boolean {
    const { query } = this;
    if (this.#isCopy && query.cursorFn !== undefined) {
      query.reject(copyCursorError());
      return false;
    }
    if (this.isExclusive || this.mayCopy) this.#guard(context);
    const isLate = this.mustRunAgain && context.isInTransaction();
    this.mustRunAgain = false;
    if (isLate) {
      // It would be part of a transaction that began behind it.
      query.reject(this.#staleError);
      return false;
    }
    const mayBeStale = context.plans.areSomeStale() && !query.onlyDescribe;
    const running = head === undefined ? query : head.#place;
    const fault = mayBeStale
      ? handOverAnew(query, running, context)
      : handOver(query, running, context);
    if (fault !== undefined) this.#giveUp(context, head, fault);
    if (query.prepared) {
      this.#plan = new PreparedPlan(query, context, rejectPlanned);
    } else if (query.prepare) context.plans.add(query.signature);
    // Untouched: the driver refused it, and said so to whoever awaits it.
    return query.state !== null;
  }

  /** Follows it from the first time on: it may be run again. */
  #guard(context: DriverContext): void {
    const { query, mayCopy } = this;
    const isRun = query.onlyDescribe !== true;
    if (this.#isCopy && isRun) copySimply(query);
    this.#reply ??= new OpenReply(query, this, mayCopy, context.close);
    this.#reply.isInTransaction = context.isInTransaction();
  }

  cancel(): void {
    this.query.scope!.cancel(this);
  }

  onFailed(error: unknown): void {
    if (this.#onError?.(error)) this.#ignoreError();
  }

  /** Nobody has to await it. */
  #ignoreError(): void {
    Promise.prototype.then.call(this.query, undefined, ignore);
  }

  /** Behind another, the driver would take the next reply for that of this one. */
  #giveUp(
    context: DriverContext,
    head: DriverStatement | undefined,
    { error }: Fault,
  ): void {
    const { query } = this;
    if (head !== undefined) this.#giveUpPlace(context);
    // Refused, or in its place a `Sync` was written, and ends it.
    else if (query.state !== null) context.outgoing!.expectBareSync();
    query.reject(describeFault(error, query));
  }

  /** The driver gets stuck on one that it passes over, unless another follows. */
  #giveUpPlace(context: DriverContext): void {
    const { query } = this;
    query.cancelled = PASSED_OVER;
    this.#place = context.createFiller();
    // Nobody awaits it, and it fails when the session ends before its turn.
    Promise.prototype.then.call(this.#place, undefined, ignore);
    context.connection!.execute(this.#place);
    this.isAbandoned = true;
  }

  /** The statement failed although its plan was prepared before. */
  failPlanned(error: unknown): void {
    const plan = this.#plan!;
    plan.restore();
    this.mustRunAgain = plan.mayRunAgain(error) && !this.isAbandoned;
    if (this.mustRunAgain) this.#staleError = error;
    else this.query.reject(error);
  }
}

/** Also in a fragment of it, or in a name that a helper made. */
function speaksOfTemporary({ strings, args }: DriverQuery): boolean {
  if (strings.some(mentionsTemporary)) return true;
  return args.some((part) => {
    if (part instanceof LazyQuery) return speaksOfTemporary(part);
    const { value } = Object(part) as { readonly value?: unknown };
    return typeof value === "string" && mentionsTemporary(value);
  });
}

function makeStatement(query: LazyQuery): DriverStatement {
  return new DriverStatement(query);
}

/** In the place of a query's own: the same for all, as most of them never fail. */
function rejectPlanned(this: LazyQuery, error: unknown): void {
  DriverStatement.of(this).failPlanned(error);
}

/** Runs an awaited query in its scope. */
export function runInScope(query: LazyQuery): void {
  DriverStatement.of(query).runIn(query.scope!);
}

/** Has its scope cancel a query. */
export function cancelInScope(query: LazyQuery): void {
  DriverStatement.of(query).cancel();
}
