/**
 * One-shots: from a lazy query to a connection.
 *
 * @module
 */

import { withoutFrames } from "../call_site.ts";
import type { WaiterKind } from "../core/wait_queue.ts";
import type { Loss, Statement } from "../driver/connection.ts";
import type { Member } from "./member.ts";
import { ConnectionLostError } from "../pool_errors.ts";
import type { PoolShell } from "./pool_shell.ts";
import { QueryLimit } from "./query_limit.ts";
import { Request } from "./request.ts";
import type { QueryLimits } from "../sql.ts";

// A statement pipelined behind one of these would run inside its transaction.
// No other command begins with "start".
const TRANSACTION_STARTS: ReadonlySet<string> = new Set(["begin", "start"]);

/** Runs the pool's own queries, each where there is room for it. */
export class QueryRouter {
  readonly #shell: PoolShell;

  constructor(shell: PoolShell) {
    this.#shell = shell;
  }

  /** Runs a statement with limits of its own. */
  runWithin(statement: Statement, limits: QueryLimits): void {
    if (statement.isAbandoned) return;
    if (limits.signal?.aborted) return statement.fail(limits.signal.reason);
    const word = statement.firstWord;
    if (TRANSACTION_STARTS.has(word)) {
      return statement.refuse(withoutFrames(unsafeTransactionError));
    }
    // One without a known word may begin a transaction, for all we know.
    const isAlone = statement.isExclusive || word === "" ||
      this.#shell.options.reset === "session" && statement.mayMakeTemporary;
    const kind = isAlone ? "lease" : "share";
    const request = new QueryRequest(this.#shell, statement, limits, kind);
    statement.carrier = request;
    this.#shell.requests.admit(request);
  }

  cancel(statement: Statement): void {
    const request = carrierOf(statement);
    // One that was not run yet never will be.
    if (request === undefined) statement.abandon(cancelError());
    else request.giveUp(cancelError());
  }

  /** The connection of `member` died: runs again what it left, or fails it. */
  settle(member: Member, loss: Loss, unfinished: readonly Statement[]): void {
    // From the last to the first, each to the front of the queue: so the first
    // is first again.
    for (const statement of unfinished.toReversed()) {
      const request = carrierOf(statement);
      const mayResend = !statement.isSent && !statement.isAbandoned &&
        this.#shell.machine.state.phase === "open" && request !== undefined;
      if (mayResend) this.#resend(request);
      else failLost(statement, loss);
    }
    member.holder = undefined;
  }

  #resend(request: QueryRequest): void {
    const { counters } = this.#shell;
    counters.resent++;
    if (request.kind === "lease") counters.acquires--;
    else counters.queries--;
    request.recall();
    this.#shell.requests.queueAgain(request);
  }
}

function carrierOf(statement: Statement): QueryRequest | undefined {
  const { carrier } = statement;
  return carrier instanceof QueryRequest ? carrier : undefined;
}

function failLost(statement: Statement, loss: Loss): void {
  const { isSent: sent, onEnd } = statement;
  statement.onEnd = undefined;
  statement.fail(
    withoutFrames(() =>
      new ConnectionLostError({ sent, phase: "query", ...loss })
    ),
  );
  onEnd?.();
}

/** One one-shot, from its asking to its end. */
class QueryRequest extends Request {
  readonly statement: Statement;
  readonly #shell: PoolShell;
  readonly #limit: QueryLimit | undefined;
  #watchdog: QueryLimit | undefined;
  #member: Member | undefined;

  constructor(
    shell: PoolShell,
    statement: Statement,
    limits: QueryLimits,
    kind: WaiterKind,
  ) {
    const since = shell.requests.arrival();
    const { acquireTimeoutMs } = shell.options;
    const timeoutMs = Math.min(acquireTimeoutMs, limits.timeoutMs ?? Infinity);
    super(kind, since, shell.requests.deadline(since, timeoutMs));
    this.#shell = shell;
    this.statement = statement;
    if (limits.signal === undefined && limits.timeoutMs === undefined) return;
    statement.isBarrier = true;
    this.#limit = this.#watch(limits, since + shell.clock.lagMs);
  }

  /** Is as if it had never been granted. */
  recall(): void {
    this.#watchdog?.stop();
    this.#member = undefined;
    this.statement.recall();
  }

  override onGranted(member: Member): void {
    this.#member = member;
    const { statement } = this;
    const { queryTimeoutMs } = this.#shell.options;
    if (queryTimeoutMs !== Infinity) {
      const limits = { timeoutMs: queryTimeoutMs };
      this.#watchdog = this.#watch(limits, this.#shell.now());
    }
    // Alone on a connection it is a lease: the session may have been changed.
    if (this.kind === "lease") member.hasRun = true;
    statement.onEnd = () => this.#end();
    member.connection.run(statement);
  }

  override onRefused(error: Error): void {
    this.#stop();
    this.statement.fail(error);
  }

  giveUp(error: unknown): void {
    if (this.state === "queued") {
      this.#stop();
      this.#shell.requests.abort(this);
      this.statement.fail(error);
    } else if (this.statement.isAbandoned) return;
    else if (this.#member !== undefined) {
      this.#shell.cancels.giveUp(this.#member, this.statement, error);
    } else if (!this.statement.isAnswered) this.statement.abandon(error);
  }

  /** Nothing of it is left on its connection. */
  #end(): void {
    // Nearly all are: no closure is made for them.
    if (this.statement.isAnswered) this.#stop();
    else this.statement.whenAnswered(() => this.#stop());
    const member = this.#member!;
    // What is given up from now on is no longer on it.
    this.#member = undefined;
    // Those that are answered together are told of together.
    if (this.kind === "share") member.ended++;
    else void this.#shell.end(member, false);
  }

  #watch(limits: QueryLimits, now: number): QueryLimit {
    const giveUp = (error: unknown) => this.giveUp(error);
    return new QueryLimit(giveUp, this.#shell.alarms, limits, now);
  }

  #stop(): void {
    this.#limit?.stop();
    this.#watchdog?.stop();
  }
}

function unsafeTransactionError(): Error {
  return Object.assign(
    new Error(
      "Cannot begin a transaction with a query on the pool: " +
        "the next query may run on another connection; use pool.begin()",
    ),
    { code: "UNSAFE_TRANSACTION" },
  );
}

/** As the driver's own. */
export function cancelError(): Error {
  return withoutFrames(() =>
    Object.assign(
      new Error("Canceling statement due to user request"),
      { code: "57014" },
    )
  );
}
