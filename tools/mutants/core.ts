/** Faults of the core. */
import { type Mutant, mutant } from "./mutant.ts";

const MACHINE = "core/pool_machine.ts";
const SHORT_CUTS = "core/short_cuts.ts";
const TURNSTILE = "core/turnstile.ts";
const KEEPER = "core/slot_keeper.ts";

export const CORE_MUTANTS: readonly Mutant[] = [
  mutant(
    "a pool that becomes smaller keeps its dials",
    KEEPER,
    "while (this.table.live > this.#state.max && dials.length > 0) {",
    "while (this.table.live < 0) {",
  ),
  mutant(
    "connections are opened without end while a hook throws",
    MACHINE,
    "if (fault !== undefined) this.#dialer.relapse(slot, fault, now);\n    if (slot",
    "if (slot",
  ),
  mutant(
    "connections are opened without end while they are lost under a hook",
    MACHINE,
    "if (fault !== undefined) this.#dialer.relapse(slot, fault, now);\n    this.#remove",
    "this.#remove",
  ),
  mutant(
    "a hook has what is left of the time of its ping",
    KEEPER,
    "this.#setAlarm(slot, now + this.#state.limits.hookTimeoutMs);",
    "",
  ),
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
];
