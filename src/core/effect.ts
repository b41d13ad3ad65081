/**
 * What is to be done: all that the pool's core ever asks for.
 *
 * @module
 */

import type { Slot } from "./slot.ts";
import type { Waiter } from "./wait_queue.ts";

/** Why the pool closes a connection. */
export type CloseReason =
  | "idle"
  | "expired"
  | "maxUses"
  | "refresh"
  | "resize"
  | "validation"
  | "reset"
  | "destroyed"
  | "shutdown";

/** Why a waiter is turned away. */
export type Refusal = "timeout" | "closed" | "failed" | "overloaded";

/** Everything the core can ask of the shell. */
export type Effect<C> =
  /** Open a connection; answer `dialled` or `dialFailed`. */
  | { readonly kind: "dial"; readonly slot: Slot<C> }
  /**
   * Give up a dial, whose deadline has passed or whose pool closes; `dialFailed`
   * follows, or `dialled` when it was too late to give up.
   */
  | {
    readonly kind: "abandon";
    readonly slot: Slot<C>;
    readonly isTimeout: boolean;
  }
  /**
   * Validate (`ping`) and run `onAcquire` (`hook`); answer `answered` in between,
   * and `prepared`.
   */
  | {
    readonly kind: "prepare";
    readonly slot: Slot<C>;
    readonly ping: boolean;
    readonly hook: boolean;
  }
  /** The waiter has the connection, or a place on it. */
  | {
    readonly kind: "grant";
    readonly waiter: Waiter;
    readonly slot: Slot<C>;
  }
  /** The pool is warm. */
  | { readonly kind: "ready"; readonly waiter: Waiter }
  /** The waiter gets an error; `error` is the last failed dial. */
  | {
    readonly kind: "turnAway";
    readonly waiter: Waiter;
    readonly refusal: Refusal;
    readonly error: unknown;
  }
  /** Put the session back; answer `wasReset`. */
  | { readonly kind: "reset"; readonly slot: Slot<C> }
  /** Close the connection, cancelling what runs; answer `lost`. */
  | {
    readonly kind: "close";
    readonly slot: Slot<C>;
    readonly reason: CloseReason;
  }
  /**
   * Cut the connection at once: its deadline has passed, or it opened after its
   * pool had closed. Nothing is to be answered.
   */
  | { readonly kind: "destroy"; readonly slot: Slot<C> }
  /** The pool is closed and holds nothing any more. */
  | { readonly kind: "drained" };
