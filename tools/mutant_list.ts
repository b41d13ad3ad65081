/**
 * Faults that a pool might have, each as one change of its source.
 *
 * Most were shipped by some pool. `find` must be in the file exactly once.
 */

/** One fault. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

function mutant(
  name: string,
  file: string,
  find: string,
  replace: string,
): Mutant {
  return { name, file: `src/${file}`, find, replace };
}

const MACHINE = "core/pool_machine.ts";
const SHORT_CUTS = "core/short_cuts.ts";
const TURNSTILE = "core/turnstile.ts";
const KEEPER = "core/slot_keeper.ts";
const SHELL = "shell/pool_shell.ts";
const CANCEL_DESK = "shell/cancel_desk.ts";
const LEASE = "lease.ts";
const NESTING = "shell/nesting_watch.ts";
const ROUTER = "shell/query_router.ts";
const QUERY = "driver/lazy_query.ts";
const OUTGOING = "driver/outgoing.ts";

export const MUTANTS: readonly Mutant[] = [
  // The core.
  mutant(
    "nobody is woken by a release",
    MACHINE,
    "this.slots.takeBack(slot, fate, now);\n    this.#settle(now);",
    "this.slots.takeBack(slot, fate, now);",
  ),
  mutant(
    "nobody is woken by a reset",
    MACHINE,
    'else this.slots.retire(slot, "reset", now);\n    this.#settle(now);',
    'else this.slots.retire(slot, "reset", now);',
  ),
  mutant(
    "nobody is woken by a failed dial",
    MACHINE,
    "if (this.#dialer.fail(input)) this.#settle(input.now);",
    "this.#dialer.fail(input);",
  ),
  mutant(
    "nobody is woken by a lost connection",
    MACHINE,
    'if (slot.state === "closed") return;\n    this.slots.forget(slot);\n    this.#settle(now);',
    'if (slot.state === "closed") return;\n    this.slots.forget(slot);',
  ),
  mutant(
    "a failed dial keeps its slot",
    "core/dialer.ts",
    "this.#slots.forget(slot);",
    "",
  ),
  mutant(
    "who gives up stays in the queue",
    MACHINE,
    'this.waiters.dismiss(waiter, "gone");\n    this.#settle(now);',
    "this.#settle(now);",
  ),
  mutant(
    "a close forgets who waits",
    MACHINE,
    'this.waiters.refuseAll("closed", null);',
    "",
  ),
  mutant(
    "a connection that opens after the close is kept",
    "core/dialer.ts",
    'else this.#state.emit({ kind: "destroy", slot });',
    "",
  ),
  mutant(
    "a connection that failed its validation is granted",
    MACHINE,
    'if (!isOk) this.slots.retire(slot, "validation", now);\n    else {',
    "{",
  ),
  mutant(
    "a deadline is not heeded",
    MACHINE,
    "if (waiter === undefined) break;\n      this.#timeOut(waiter);",
    "if (waiter === undefined) break;",
  ),
  mutant(
    "one more connection than max",
    "core/dialer.ts",
    "return this.#state.max - this.#slots.table.total;",
    "return this.#state.max + 1 - this.#slots.table.total;",
  ),
  mutant(
    "connections that close are not counted",
    "core/dialer.ts",
    "return this.#state.max - this.#slots.table.total;",
    "return this.#state.max - this.#slots.table.live;",
  ),
  mutant(
    "min is never filled up",
    "core/dialer.ts",
    "return Math.max(waiting, floor - live);",
    "return waiting;",
  ),
  mutant(
    "last come, first served",
    "core/wait_queue.ts",
    "get head(): Waiter | undefined {\n    return this.#head;",
    "get head(): Waiter | undefined {\n    return this.#tail;",
  ),
  mutant(
    "one that is asked again goes to the end",
    "core/waiting_room.ts",
    "if (isResent) queue.putBack(waiter);",
    "if (isResent) queue.push(waiter);",
  ),
  mutant(
    "a newcomer overtakes who waits",
    TURNSTILE,
    'this.#waiters.queue.length === 0 && kind !== "ready";',
    'kind !== "ready";',
  ),
  mutant(
    "a newcomer is served by a pool that is paused",
    TURNSTILE,
    "const isOpen = this.#overload === undefined && !this.#state.isPaused &&",
    "const isOpen = this.#overload === undefined &&",
  ),
  mutant(
    "a newcomer is served before what is due",
    SHORT_CUTS,
    "if (this.#state.isDue(now)) return undefined;",
    "",
  ),
  mutant(
    "a connection is put back past who waits",
    SHORT_CUTS,
    "this.#turnstile.isClear &&",
    "true &&",
  ),
  mutant(
    "a connection is put back that was to be retired",
    SHORT_CUTS,
    "this.#slots.retirement(slot, now) === undefined;",
    "Boolean(slot);",
  ),
  mutant(
    "what is put back is never reaped",
    SHORT_CUTS,
    "if (reapAt < this.#state.nextDeadline) this.#state.nextDeadline = reapAt;",
    "void reapAt;",
  ),
  mutant(
    "a newcomer gets a connection that was silent for long",
    "core/slot_picker.ts",
    "if (slot === undefined || this.#isSilent(slot, now)) return undefined;",
    "if (slot === undefined) return undefined;",
  ),
  mutant(
    "a newcomer gets a connection that no hook has seen",
    "core/slot_picker.ts",
    "return hook ? undefined : slot;",
    "return slot;",
  ),
  mutant(
    "a one-shot is placed behind a stalled one",
    "core/shared_slots.ts",
    "if (!this.isStalled(slot, now)) return slot;",
    "return slot;",
  ),
  mutant(
    "pipelines stay deep among slow statements",
    "core/shared_slots.ts",
    "return Math.max(1, Math.round(this.#depth * this.#pace.depth));",
    "return this.#depth;",
  ),
  mutant(
    "one-shots that end together are told of as one",
    SHELL,
    "const { slot, ended: count } = member;",
    "const { slot } = member;\n    const count = 1;",
  ),
  mutant(
    "a deadline that comes out of order is not the next",
    "core/waiter_deadlines.ts",
    "return Math.min(this.#firstAt, this.#others.next);",
    "return this.#firstAt;",
  ),
  mutant(
    "deadlines out of order stand in the line of those in order",
    "core/waiter_deadlines.ts",
    "if (isInOrder) this.#join(waiter);",
    "if (isInOrder || true) this.#join(waiter);",
  ),
  mutant(
    "who waits is timed by a date that stands still",
    "shell/admission.ts",
    "if (machine.slots.idle.size === 0) return clock.now();",
    "",
  ),
  mutant(
    "what is sent again after a sleep meets what slept",
    "shell/admission.ts",
    "const isResent = true;\n    this.#wake(now);",
    "const isResent = true;",
  ),
  mutant(
    "time is up a millisecond early by a clock that is late",
    "shell/admission.ts",
    "return timeoutMs > 0 ? since + this.#shell.clock.lagMs + timeoutMs : since;",
    "return since + timeoutMs;",
  ),
  mutant(
    "who was granted keeps a deadline",
    "core/waiting_room.ts",
    "this.deadlines.drop(waiter);",
    "",
  ),
  mutant(
    "what is expired is granted",
    KEEPER,
    'if (slot.expiresAt <= now) return "expired";',
    "",
  ),
  mutant(
    "what is worn is granted",
    KEEPER,
    'if (slot.uses >= state.limits.maxUses) return "maxUses";',
    "",
  ),
  mutant(
    "refresh lets what is leased live on",
    KEEPER,
    'if (slot.generation < state.generation) return "refresh";',
    "",
  ),
  mutant(
    "a reset is skipped",
    KEEPER,
    'if (fate === "keep") return this.park(slot, now);\n    const reason',
    "if (fate) return this.park(slot, now);\n    const reason",
  ),
  mutant(
    "a lease leaves its connection among the idle",
    KEEPER,
    'this.idle.remove(slot);\n    this.table.move(slot, "leased");',
    'this.table.move(slot, "leased");',
  ),
  mutant(
    "a reset may take for ever",
    KEEPER,
    "this.#setAlarm(slot, now + this.#state.limits.releaseTimeoutMs);",
    "",
  ),
  mutant(
    "a dial may take for ever",
    KEEPER,
    "this.#setAlarm(slot, now + this.#state.limits.connectTimeoutMs);",
    "",
  ),
  mutant(
    "idle connections go below min",
    KEEPER,
    "if (bottom === undefined || this.table.open <= this.#state.min) {",
    "if (bottom === undefined) {",
  ),
  mutant(
    "a shared connection is not isolated",
    KEEPER,
    "slot.isIsolated = true;\n    this.shared.unlist(slot);",
    "",
  ),
  mutant(
    "an open transaction is pipelined behind",
    KEEPER,
    'if (fate !== "keep") slot.isIsolated = true;',
    "",
  ),
  mutant(
    "the backoff never resets",
    "core/backoff.ts",
    "this.#failures = 0;\n",
    "",
  ),
  mutant(
    "there is no backoff",
    "core/backoff.ts",
    "if (now < this.#retryAt) return 0;",
    "",
  ),
  mutant(
    "everybody probes during an outage",
    "core/backoff.ts",
    "(this.#failures > 0 ? 1 : this.#limit)",
    "this.#limit",
  ),
  mutant(
    "more in flight than the pipeline takes",
    "core/shared_slots.ts",
    "slot.inFlight >= this.#depth",
    "slot.inFlight > this.#depth",
  ),
  mutant(
    "a close never forces anybody",
    "core/drain.ts",
    "const isForced = this.#forceAt <= now;",
    "const isForced = false;",
  ),
  mutant(
    "what was silent is granted unasked",
    "core/slot_picker.ts",
    "if (!ping && !hook) return slot;",
    "return slot;",
  ),
  // The shell.
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
    "this.#owner.abort(this);\n    this.#fail(reason);",
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
    "return loss === undefined ? undefined : this.#lostError(loss);",
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
    "await member.connection.command(RESET_SESSION);",
    "",
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
    "this.#shell.events.flush();\n      throw error;",
    "this.#shell.events.flush();",
  ),
  mutant(
    "a damaged connection is lent again",
    "shell/member.ts",
    'if (connection.isLost || connection.isDamaged) return "destroy";',
    'if (connection.isLost) return "destroy";',
  ),
  mutant(
    "a connection that is left busy is lent again",
    "shell/member.ts",
    'connection.isSuspended\n      ? "reset"\n      : "destroy";',
    'connection.isSuspended\n      ? "reset"\n      : "keep";',
  ),
  mutant(
    "a dial that fails is not told to the core",
    "shell/dial_desk.ts",
    "this.#controllers.delete(slot);\n      this.#fail(slot, error);",
    "this.#controllers.delete(slot);\n      void error;",
  ),
  mutant(
    "a hook's hang outlasts its dial",
    "shell/dial_desk.ts",
    "return Promise.race([opened, aborted]);",
    "return opened;",
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
    "if (!connection.mayCancel) return;",
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
    "anonymous_lease.ts",
    "override claim(): void {}",
    "",
  ),
  mutant(
    "a clock that is late misses what is due",
    "shell/admission.ts",
    "return isExact ? clock.now() : recent;",
    "return recent;",
  ),
  mutant(
    "the timer is not set",
    SHELL,
    "this.#timer.ringBy(Math.min(nextDeadline, this.alarms.next), now);",
    "",
  ),
  mutant(
    "a release is not told when its connection is lost",
    SHELL,
    "member.settleReturn();\n    this.losses.settle",
    "this.losses.settle",
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
    "connection.destroy();\n      throw error;",
    "throw error;",
  ),

  mutant(
    "a short cut takes a connection for clean that is to be reset",
    SHORT_CUTS,
    "if (slot.isIsolated) return false;\n",
    "",
  ),
  mutant(
    "a connection is put back before what is due",
    SHORT_CUTS,
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
    'if (!isPlain || head?.kind !== "lease") return undefined;',
    "if (!isPlain || head === undefined) return undefined;",
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
  // The driver.
  mutant(
    "a statement is ended twice",
    OUTGOING,
    "if (!this.#isBareExpected) return false;",
    "",
  ),
  mutant(
    "what could not be written never ends",
    OUTGOING,
    "if (!isBare) return true;",
    "return !isBare;",
  ),
  mutant(
    "one COPY undoes the next",
    OUTGOING,
    "else if (code === COPY_DONE) this.#endedCopies++;\n",
    "",
  ),
  mutant(
    "a COPY cannot be given up behind another",
    OUTGOING,
    "this.#endedCopies--;\n",
    "",
  ),
  mutant(
    "a statement is sent behind one that is to be cancelled",
    "driver/statement_line.ts",
    "this.#isHeld || this.mayCancel) return false;",
    "this.#isHeld) return false;",
  ),
  mutant(
    "a query is run amid the code that awaits it",
    QUERY,
    "NOW.then(() => this.#run());",
    "this.#run();",
  ),
  mutant(
    "a query is run each time it is awaited",
    QUERY,
    "this.executed = true;",
    "",
  ),
  mutant(
    "what then() answers is another lazy query",
    QUERY,
    "return Promise;",
    "return LazyQuery as unknown as PromiseConstructor;",
  ),
  mutant(
    "a settled query stays active",
    QUERY,
    "this.active = false;\n    this.#isSettled = true;\n    this.#resolve(result);",
    "this.#isSettled = true;\n    this.#resolve(result);",
  ),
  mutant(
    "a failed query stays active",
    QUERY,
    "this.active = false;\n    this.#isSettled = true;\n    this.#reject(error);",
    "this.#isSettled = true;\n    this.#reject(error);",
  ),
  mutant(
    "a template tells who called it first, for ever",
    "driver/template.ts",
    '.split("\\n", 1)[0] ?? ""',
    "",
  ),
  mutant(
    "plain text without parameters is prepared",
    "driver/postgres_js.ts",
    "{ prepare: false, ...given, simple }",
    "{ ...given, simple }",
  ),
  mutant(
    "what is given with plain text is overruled",
    "driver/postgres_js.ts",
    "{ prepare: false, ...given, simple }",
    "{ ...given, prepare: false, simple }",
  ),

  mutant(
    "strings that a program changes are told once",
    "driver/template.ts",
    "if (!Object.isFrozen(strings)) return undefined;",
    "",
  ),
  // The transport.
  mutant(
    "what was read is written over by what comes next",
    "transport/inbox.ts",
    "this.#used += length;",
    "",
  ),
  mutant(
    "what came before anybody listened is lost",
    "transport/inbox.ts",
    "if (this.#early !== undefined) listener.onData(this.#early);",
    "",
  ),
  mutant(
    "what comes before anybody listens is read without end",
    "transport/inbox.ts",
    "return this.#listener !== undefined;",
    "return true;",
  ),
  mutant(
    "what came early comes again",
    "transport/inbox.ts",
    "    this.#early = undefined;\n",
    "",
  ),
  mutant(
    "a long reply is read in small pieces",
    "transport/inbox.ts",
    "this.#isFull ? LARGE_BYTES : SMALL_BYTES",
    "SMALL_BYTES",
  ),
  mutant(
    "a short reply keeps the memory of a long one",
    "transport/inbox.ts",
    "return Buffer.from(bytes);",
    "return bytes;",
  ),
];
