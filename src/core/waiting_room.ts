/**
 * Everyone who waits, from arrival to grant or refusal.
 *
 * @module
 */

import type { Refusal } from "./effect.ts";
import type { PoolState } from "./pool_state.ts";
import type { Slot } from "./slot.ts";
import { type Waiter, WaitQueue } from "./wait_queue.ts";
import { WaiterDeadlines } from "./waiter_deadlines.ts";

/** The waiters: one queue for connections, one for the pool to be warm. */
export class WaitingRoom<C> {
  /** Who waits for a connection. */
  readonly queue = new WaitQueue();
  /** Who waits for the pool to be warm. */
  readonly readiness = new WaitQueue();
  /** When they are turned away. */
  readonly deadlines = new WaiterDeadlines();
  readonly #state: PoolState<C>;
  #lastTurn = 0;

  constructor(state: PoolState<C>) {
    this.#state = state;
  }

  /** Whether nobody waits for anything. */
  get isEmpty(): boolean {
    return this.queue.length === 0 && this.readiness.length === 0;
  }

  /** Gives a newcomer its place in the order of arrival. */
  number(waiter: Waiter): void {
    waiter.turn = ++this.#lastTurn;
  }

  /** Queues a waiter; one that is resent goes back to its place. */
  admit(waiter: Waiter, isResent: boolean): void {
    waiter.state = "queued";
    const queue = this.#queueOf(waiter);
    if (isResent) queue.putBack(waiter);
    else queue.push(waiter);
  }

  /** Whether a newcomer is one too many to wait; for some, connections are on their way. */
  isOverfull(waiter: Waiter, onTheirWay: number): boolean {
    return waiter.kind !== "ready" &&
      this.queue.length - onTheirWay > this.#state.limits.maxWaiting;
  }

  /** Gives a waiter a connection that was taken for it. */
  grant(waiter: Waiter, slot: Slot<C>): void {
    this.dismiss(waiter, "granted");
    this.#state.emit({ kind: "grant", waiter, slot });
  }

  /** A waiter leaves, whatever for. */
  dismiss(waiter: Waiter, state: "granted" | "gone"): void {
    if (waiter.state === "queued") this.#queueOf(waiter).remove(waiter);
    this.deadlines.drop(waiter);
    waiter.state = state;
  }

  /** Turns a waiter away. */
  refuse(waiter: Waiter, refusal: Refusal, error: unknown): void {
    this.dismiss(waiter, "gone");
    this.#state.emit({ kind: "turnAway", waiter, refusal, error });
  }

  /** Turns everybody away. */
  refuseAll(refusal: Refusal, error: unknown): void {
    for (const queue of [this.queue, this.readiness]) {
      for (let head = queue.head; head !== undefined; head = queue.head) {
        this.refuse(head, refusal, error);
      }
    }
  }

  /** Tells those who wait for it that the pool is warm. */
  announce(): void {
    const { readiness } = this;
    for (let head = readiness.head; head !== undefined; head = readiness.head) {
      this.dismiss(head, "granted");
      this.#state.emit({ kind: "ready", waiter: head });
    }
  }

  #queueOf(waiter: Waiter): WaitQueue {
    return waiter.kind === "ready" ? this.readiness : this.queue;
  }
}
