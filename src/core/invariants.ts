/**
 * What must hold between any two inputs.
 *
 * @module
 */

import type { PoolMachine } from "./pool_machine.ts";
import type { Slot, SlotState } from "./slot.ts";
import type { Waiter, WaitQueue } from "./wait_queue.ts";

/**
 * Checks a machine that has taken its last input at `now`.
 *
 * Costs O(slots + waiters): for tests, and for hunting a bug.
 *
 * @throws {Error} Naming the first invariant that is broken, with its numbers.
 */
export function assertInvariants<C>(
  machine: PoolMachine<C>,
  now: number,
): void {
  checkPlaces(machine);
  checkCounts(machine);
  checkAlarms(machine);
  checkQueues(machine, now);
  checkIdle(machine, now);
  if (machine.state.phase === "open") {
    checkService(machine, now);
    checkDials(machine, now);
  } else checkDraining(machine);
  const { nextDeadline, slots } = machine;
  // A lower `min` or one more connection may make another's idleness due.
  const isDone = nextDeadline > now || slots.reapAt <= now;
  hold(isDone, "what is due was done", nextDeadline, now);
  hold(nextDeadline <= slots.reapAt, "idleness is waited for", slots.reapAt);
}

function hold(isSo: boolean, name: string, ...numbers: unknown[]): void {
  if (isSo) return;
  throw new Error(`Invariant broken: ${name}: ${numbers.join(", ")}`);
}

/** Every slot is in the one list of its state, and no list holds another. */
function checkPlaces<C>({ slots, state }: PoolMachine<C>): void {
  const { table, idle, shared } = slots;
  const inIdle = new Set(idle);
  const inShared = new Set(shared);
  hold(inIdle.size === idle.size, "the idle list counts its slots", idle.size);
  let [idleCount, sharedCount] = [0, 0];
  for (const slot of table) {
    const isListed = inShared.has(slot);
    hold(inIdle.has(slot) === (slot.state === "idle"), "idle is listed idle");
    hold(isListed === (slot.depth >= 0), "listed as its depth says", slot.id);
    if (slot.state === "idle") idleCount++;
    if (isListed) sharedCount++;
    checkUse(slot, isListed, state.limits.pipeline);
  }
  hold(idleCount === inIdle.size, "only the pool's own are idle", idleCount);
  hold(sharedCount === inShared.size, "only its own are shared", sharedCount);
}

/** A slot has one-shots in flight if and only if it is shared, and is listed with room only. */
function checkUse<C>(
  slot: Slot<C>,
  isListed: boolean,
  pipeline: number,
): void {
  const { id, state, inFlight, depth, isIsolated, isPrepared } = slot;
  if (state === "shared") {
    hold(inFlight >= 1 && inFlight <= pipeline, "shared is used", id, inFlight);
  } else if (state !== "closing") {
    hold(inFlight === 0, "only shared has one-shots", id, inFlight);
  }
  if (isListed) {
    hold(state === "shared", "only shared is listed to share", id, state);
    hold(depth === inFlight, "listed at its depth", id, depth, inFlight);
    hold(inFlight < pipeline && !isIsolated, "listed has room", id, inFlight);
  }
  const isOpen = state !== "connecting" && state !== "closing";
  hold(!isOpen || slot.connection !== undefined, "open is connected", id);
  hold(!isPrepared, "a preparation is for the grant that follows", id);
}

/** The counts are those of a recount; idle ones make way when there are too many. */
function checkCounts<C>({ slots, state }: PoolMachine<C>): void {
  const { table, idle } = slots;
  const recount: Partial<Record<SlotState, number>> = {};
  for (const slot of table) {
    recount[slot.state] = (recount[slot.state] ?? 0) + 1;
  }
  let total = 0;
  for (const [name, count] of Object.entries(table.counts)) {
    const counted = recount[name as SlotState] ?? 0;
    hold(counted === count, "counts match", name, count, counted);
    total += count;
  }
  hold(total === table.total, "every slot is in one state", total, table.total);
  // A shrink leaves those in use and under way: they go when they come back.
  const isSettled = table.live <= state.max || idle.size === 0;
  hold(isSettled, "idle makes way above max", table.live, state.max);
}

/** Whoever is bounded by a time has an alarm; nobody else, and no orphan. */
function checkAlarms<C>({ slots, waiters }: PoolMachine<C>): void {
  let armed = 0;
  for (const slot of slots.table) {
    const { alarm, expiry } = slot;
    const mayBe = !["idle", "leased", "shared"].includes(slot.state);
    // A dial whose time is over waits for the shell to give it up.
    const mustBe = mayBe && slot.state !== "connecting";
    const isSo = alarm === undefined ? !mustBe : mayBe && alarm.owner === slot;
    hold(isSo, "what is under way has an alarm", slot.id, slot.state);
    if (alarm !== undefined) armed++;
    if (expiry?.owner !== undefined) armed++;
  }
  for (const queue of [waiters.queue, waiters.readiness]) {
    for (const waiter of queue) {
      const isFinite = waiter.deadline !== Infinity;
      const isWatched = waiter.isInLine || waiter.alarm?.owner === waiter;
      hold(isFinite === isWatched, "a waiter has its alarm", waiter.deadline);
      if (isFinite) armed++;
    }
  }
  const { size } = waiters.deadlines;
  hold(armed === slots.deadlines.size + size, "no orphan alarm", armed);
}

/** Only those who wait are queued, in order of arrival, and none past its deadline. */
function checkQueues<C>({ waiters }: PoolMachine<C>, now: number): void {
  checkQueue(waiters.queue, (waiter) => waiter.kind !== "ready", now);
  checkQueue(waiters.readiness, (waiter) => waiter.kind === "ready", now);
}

function checkQueue(
  queue: WaitQueue,
  belongs: (waiter: Waiter) => boolean,
  now: number,
): void {
  let count = 0;
  let lastTurn = -Infinity;
  for (const waiter of queue) {
    const { state, deadline, turn } = waiter;
    hold(state === "queued" && belongs(waiter), "queued are queued", state);
    hold(deadline > now, "nobody waits past the deadline", deadline, now);
    hold(turn >= lastTurn, "first come, first queued", lastTurn, turn);
    lastTurn = turn;
    count++;
  }
  hold(count === queue.length, "a queue counts its waiters", queue.length);
}

/** What is idle could be granted: neither expired nor old nor worn nor too many. */
function checkIdle<C>({ slots }: PoolMachine<C>, now: number): void {
  for (const slot of slots.idle) {
    const reason = slots.retirement(slot, now);
    hold(reason === undefined, "idle may be granted", slot.id, reason);
  }
}

/** Nobody waits while something could be done about it. */
function checkService<C>(machine: PoolMachine<C>, now: number): void {
  const { slots, waiters, state, backoff } = machine;
  const { table, idle } = slots;
  const { head, length } = waiters.queue;
  const isWarm = table.open >= Math.max(1, state.min);
  hold(!isWarm || waiters.readiness.length === 0, "warm is told", table.open);
  if (head === undefined) return;
  const isHopeless = table.open === 0 && backoff.isHopeless(now);
  hold(!isHopeless, "nobody waits in vain", length, backoff.retryAt);
  if (state.isPaused) return;
  const { hooked, counts: { connecting, preparing } } = table;
  const isLease = head.kind === "lease";
  const hasEach = isLease && state.limits.hasAcquireHook
    ? waiters.queue.countLeading(length) <= hooked
    : preparing - hooked >= length;
  const isUsed = idle.size === 0 || hasEach ||
    isLease && isTrying(machine, now);
  hold(isUsed, "nobody waits beside idle", length, idle.size, preparing);
  const isUnderWay = table.total > 0 || machine.nextDeadline < Infinity;
  hold(isUnderWay, "whoever waits will be served", length, table.total);
  const hasOneEach = table.total < state.max || length <= connecting;
  const isOnItsWay = preparing > hooked ||
    hasOneEach && backoff.failures === 0;
  if (head.kind === "share" && !isOnItsWay) {
    const { shared } = slots;
    // One that is stalled was taken off the list when it was met.
    const hasPlace = [...shared].some((slot) => slot.inFlight < shared.depth);
    hold(!hasPlace, "nobody waits beside a place", length);
  }
}

/** Whether hooks throw: then one at a time is tried, and when it is time. */
function isTrying<C>(machine: PoolMachine<C>, now: number): boolean {
  const { slots, backoff, nextDeadline } = machine;
  const { isRelapsed, retryAt } = backoff;
  const hasProven = [...slots.idle].some(({ isProven }) => isProven);
  const isHeldBack = now < retryAt && nextDeadline <= retryAt;
  const isTried = isHeldBack || slots.table.hooked > 0;
  return isRelapsed && isTried && !hasProven;
}

/** All dials that are wanted and allowed have begun; one that is held back has its time. */
function checkDials<C>(machine: PoolMachine<C>, now: number): void {
  const { slots, waiters, state, backoff } = machine;
  const { table } = slots;
  const { hooked, counts: { connecting, preparing } } = table;
  const { queue } = waiters;
  const leading = queue.countLeading(queue.length);
  const onTheirWay = connecting + preparing - hooked +
    Math.min(hooked, leading);
  const waiting = state.isPaused ? 0 : queue.length - onTheirWay;
  const isAwaited = waiters.readiness.length > 0;
  const shortage = (isAwaited ? Math.max(1, state.min) : state.min) -
    table.live;
  const wanted = Math.min(
    Math.max(waiting, shortage),
    state.max - table.total,
  );
  // While hooks throw, who needs none does not wait for that, and passes those
  // who wait for nothing else.
  const { isRelapsed } = backoff;
  const areTried = isRelapsed && (hooked > 0 || now < backoff.retryAt);
  const isForLease = leading > 0 &&
    (leading === queue.length || leading > (areTried ? 1_000 : hooked));
  const underWay = connecting + (isRelapsed && isForLease ? hooked : 0);
  const unhooked = isRelapsed ? backoff.allowanceAtOnce(connecting) : 0;
  const allowed = Math.max(
    Math.min(shortage, unhooked),
    isRelapsed && !isForLease ? unhooked : backoff.allowance(now, underWay),
  );
  hold(Math.min(wanted, allowed) <= 0, "dials begin", wanted, allowed);
  if (wanted <= 0 || underWay > 0) return;
  const isHeldBack = machine.nextDeadline <= backoff.retryAt;
  hold(isHeldBack, "a dial held back has its time", wanted, backoff.retryAt);
}

/** A pool that closes grants and dials nothing; a closed one holds nothing. */
function checkDraining<C>(machine: PoolMachine<C>): void {
  const { slots, waiters, state } = machine;
  const { table } = slots;
  const { queue, readiness } = waiters;
  hold(queue.length + readiness.length === 0, "closing refuses all");
  const { connecting, idle } = table.counts;
  hold(connecting + idle === 0, "closing keeps nothing", connecting, idle);
  const isClosed = state.phase === "closed";
  hold(isClosed === (table.total === 0), "closed is empty", table.total);
  const { nextDeadline } = machine;
  hold(!isClosed || nextDeadline === Infinity, "closed rests", nextDeadline);
}
