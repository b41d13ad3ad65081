/** Faults of the shell, and of what its users hold. */
import { type Mutant, mutant } from "./mutant.ts";

const TURNSTILE = "core/turnstile.ts";
const SHELL = "shell/pool_shell.ts";
const CANCEL_DESK = "shell/cancel_desk.ts";
const LEASE = "lease.ts";
const NESTING = "shell/nesting_watch.ts";
const ROUTER = "shell/query_router.ts";

export const SHELL_MUTANTS: readonly Mutant[] = [
  mutant(
    "one-shots that end together are told of as one",
    SHELL,
    "const { slot, ended: count } = member;",
    "const { slot } = member;\n    const count = 1;",
  ),
  mutant(
    "an acquire's signal is not let go",
    "shell/request.ts",
    'this.#signal?.removeEventListener("abort", this);',
    "",
  ),
  mutant(
    "a query's signal is not let go",
    "shell/query_limit.ts",
    'this.#signal?.removeEventListener("abort", this);',
    "",
  ),
  mutant(
    "an abort is not heard",
    "shell/request.ts",
    "this.#owner.abort(this);\n    this.#stopListening();\n    this.#reject(reason);",
    "",
  ),
  mutant(
    "who gives up is not told to the core",
    "shell/request.ts",
    "this.#owner.abort(this);",
    "",
  ),
  mutant(
    "a lease is released twice",
    LEASE,
    "return this.#ended ??= this.#end(false);",
    "return this.#ended = this.#end(false);",
  ),
  mutant(
    "a released lease runs on",
    LEASE,
    "if (this.#ended !== undefined) {\n      return new LeaseReleasedError",
    "if (this.#ended === null) {\n      return new LeaseReleasedError",
  ),
  mutant(
    "a lost lease runs on",
    LEASE,
    "return this.isLost ? this.#member.lostError() : undefined;",
    "return undefined;",
  ),
  mutant(
    "a statement that was sent is sent again",
    ROUTER,
    "const mayResend = !statement.isSent &&",
    "const mayResend =",
  ),
  mutant(
    "a statement that was given up is sent again",
    ROUTER,
    "!statement.isAbandoned &&",
    "",
  ),
  mutant(
    "a lost statement is never answered",
    ROUTER,
    "else failLost(statement, loss);",
    "",
  ),
  mutant(
    "a query alone on its connection does not give it back",
    ROUTER,
    "else void this.#shell.end(member, false);",
    "",
  ),
  mutant(
    "a transaction begins on a shared connection",
    ROUTER,
    "if (TRANSACTION_STARTS.has(word)) {",
    "if (false) {",
  ),
  mutant(
    "no rollback at release",
    "shell/upkeep.ts",
    'await connection.command("rollback");',
    "",
  ),
  mutant(
    "a session is not reset",
    "shell/upkeep.ts",
    "await member.connection.command(RESET_SESSION).catch(",
    "await Promise.resolve().catch(",
  ),
  mutant(
    "a cancel is not awaited",
    "shell/upkeep.ts",
    "await connection.quiesce();",
    "",
  ),
  mutant(
    "a hook that fails is forgiven",
    "shell/upkeep.ts",
    "this.#tell(name, error);\n      throw error;",
    "this.#tell(name, error);",
  ),
  mutant(
    "a damaged connection is lent again",
    "shell/member.ts",
    "connection.isLost || connection.isDamaged ||",
    "connection.isLost ||",
  ),
  mutant(
    "a connection that is left busy is lent again",
    "shell/member.ts",
    'connection.underWay.isAbandoned ? "reset" : "destroy"',
    'connection.underWay.isAbandoned ? "reset" : "keep"',
  ),
  mutant(
    "a dial that fails is not told to the core",
    "shell/dial_desk.ts",
    "this.#dials.delete(slot);\n      this.#fail(",
    "this.#dials.delete(slot);\n      void (",
  ),
  mutant(
    "a hook's hang outlasts its connection",
    "shell/upkeep.ts",
    "await Promise.race([ran, left]);",
    "void left;\n      await ran;",
  ),
  mutant(
    "a dial that is cut leaves its connection",
    "shell/dial_desk.ts",
    "this.#dials.get(slot)?.connection?.destroy();",
    "",
  ),
  mutant(
    "a hook detaches what it is lent",
    "lease.ts",
    "if (member.leaveHook !== undefined) {",
    "if (false) {",
  ),
  mutant(
    "a cancel request that does not help costs nothing",
    CANCEL_DESK,
    "now + this.#shell.options.releaseTimeoutMs,\n      () => connection.destroy(),",
    "now + this.#shell.options.releaseTimeoutMs,\n      () => {},",
  ),
  mutant(
    "a cancel request hits others in flight",
    CANCEL_DESK,
    "if (!connection.underWay.mayCancel) return;",
    "if (connection.inFlight === 0) return;",
  ),
  mutant(
    "a nested waiter is not counted down",
    NESTING,
    "for (const lease of waiter.held) lease.nestedWaiters--;",
    "",
  ),
  mutant(
    "a nested waiter counts for the next lease of what it held",
    "shell/member.ts",
    "this.held = undefined;\n  }",
    "}",
  ),
  mutant(
    "a released lease still counts as held",
    "shell/member.ts",
    "if (this.held !== undefined) this.held.hasEnded = true;",
    "",
  ),
  mutant(
    "callers wait for each other when one of them does not",
    NESTING,
    "return [...this.#leased()].every(hasNestedWaiter);",
    "return [...this.#leased()].some(hasNestedWaiter);",
  ),
  mutant(
    "callers wait for each other when another connection may come",
    NESTING,
    "if (slots.table.counts.leased < state.max) return false;",
    "",
  ),
  mutant(
    "a holder is told of although its statement runs",
    NESTING,
    "else if (this.#tellAt <= now && !this.#isBusy()) this.#tell();",
    "else if (this.#tellAt <= now) this.#tell();",
  ),
  mutant(
    "a holder is told before it is confirmed that it waits",
    NESTING,
    "if (this.#isStuck()) this.#tellAt = Math.min(this.#tellAt, now + inMs);",
    "if (this.#isStuck()) this.#tellAt = now;",
  ),
  mutant(
    "who was served at once is taken for its neighbours",
    "callable_pool.ts",
    "override claim(): void {}",
    "",
  ),
  mutant(
    "a clock that is late misses what is due",
    "shell/request_desk.ts",
    "return isExact ? clock.now() : recent;",
    "return recent;",
  ),
  mutant(
    "the timer is not set",
    SHELL,
    "this.alarms.ringBy(nextDeadline);",
    "",
  ),
  mutant(
    "a listener that throws is heard",
    "pool_events.ts",
    "callObserver(() => listener(Object.freeze(event)), (error) => {",
    "listener(Object.freeze(event));\n      ((error: unknown) => {",
  ),
  mutant(
    "a late dial outlives its pool",
    "shell/upkeep.ts",
    "dialled.then((late) => late.destroy(), () => {});",
    "dialled.catch(() => {});",
  ),

  mutant(
    "a short cut takes a connection for clean that is to be reset",
    TURNSTILE,
    "if (slot.isIsolated) return false;\n",
    "",
  ),
  mutant(
    "a connection is put back before what is due",
    TURNSTILE,
    "return !this.#state.isDue(now) &&\n     ",
    "return",
  ),
  mutant(
    "a connection is passed on, and a one-shot behind its waiter is forgotten",
    TURNSTILE,
    'if (head.after?.kind === "share") return undefined;\n',
    "",
  ),
  mutant(
    "a connection is passed on without its hook",
    TURNSTILE,
    "const isPlain = this.#overload === undefined && !isPaused &&\n      !limits.hasAcquireHook;",
    "void limits;\n    const isPlain = this.#overload === undefined && !isPaused;",
  ),
  mutant(
    "a connection is passed on while its pool is paused",
    TURNSTILE,
    "const isPlain = this.#overload === undefined && !isPaused &&\n     ",
    "void isPaused;\n    const isPlain = this.#overload === undefined &&",
  ),
  mutant(
    "a one-shot is handed a lease that is passed on",
    TURNSTILE,
    'if (head?.kind !== "lease" || slot.state !== "leased") return undefined;',
    'if (head === undefined || slot.state !== "leased") return undefined;',
  ),
  mutant(
    "an awaited statement is cut because of one that was cancelled",
    CANCEL_DESK,
    "this.#calm(member);\n    if (member.connection.inFlight > 0) return this.abandon(member);",
    "if (member.connection.inFlight > 0) return this.abandon(member);\n    this.#calm(member);",
  ),
  mutant(
    "a cancel request that never ends is waited for",
    CANCEL_DESK,
    "if (!member.connection.isCancelling) this.forget(member);",
    "this.forget(member);",
  ),
];
