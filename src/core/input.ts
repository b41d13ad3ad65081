/**
 * What happened: all that the pool's core ever hears of.
 *
 * @module
 */

import type { Slot } from "./slot.ts";
import type { Waiter } from "./wait_queue.ts";

/**
 * What a connection needs before another may have it: nothing, a reset, or an
 * end. It is the word of whoever watched it last.
 */
export type Fate = "keep" | "reset" | "destroy";

/** What a hook threw, and the chance by which the next dial waits for that. */
export interface HookFault {
  readonly error: unknown;
  readonly random: number;
}

/** Everything that can happen to a pool. Each carries the time it happened. */
export type Input<C> =
  /** Somebody asks for a connection; `isResent`: a one-shot that lost its connection unsent. */
  | {
    readonly kind: "acquire";
    readonly now: number;
    readonly waiter: Waiter;
    readonly isResent?: boolean;
  }
  /** A waiter gave up. */
  | { readonly kind: "abort"; readonly now: number; readonly waiter: Waiter }
  /** A dial opened a connection, `onConnect` included. */
  | {
    readonly kind: "dialled";
    readonly now: number;
    readonly slot: Slot<C>;
    readonly connection: C;
    readonly random: number;
  }
  /** A dial failed; `isPermanent`: the next one would fail the same way. */
  | {
    readonly kind: "dialFailed";
    readonly now: number;
    readonly slot: Slot<C>;
    readonly error: unknown;
    readonly isPermanent: boolean;
    readonly random: number;
  }
  /** The server answered its ping, and `onAcquire` begins. */
  | { readonly kind: "answered"; readonly now: number; readonly slot: Slot<C> }
  /**
   * Validation and `onAcquire` ended; `isTouched`: what the hook did is only for
   * a lease; `fault`: by what the hook threw.
   */
  | {
    readonly kind: "prepared";
    readonly now: number;
    readonly slot: Slot<C>;
    readonly isOk: boolean;
    readonly isTouched?: boolean;
    readonly fault?: HookFault | undefined;
  }
  /** A lease ended. */
  | {
    readonly kind: "release";
    readonly now: number;
    readonly slot: Slot<C>;
    readonly fate: Fate;
  }
  /** A lease took its connection out of the pool. */
  | { readonly kind: "detach"; readonly now: number; readonly slot: Slot<C> }
  /** A reset ended. */
  | {
    readonly kind: "wasReset";
    readonly now: number;
    readonly slot: Slot<C>;
    readonly isOk: boolean;
  }
  /** One-shots ended on a shared connection; `fate` is what it would need now. */
  | {
    readonly kind: "finished";
    readonly now: number;
    readonly slot: Slot<C>;
    readonly count: number;
    readonly fate: Fate;
  }
  /** A shared connection is to take no more one-shots until drained, and then reset. */
  | { readonly kind: "isolate"; readonly now: number; readonly slot: Slot<C> }
  /** A connection is gone, whoever ended it; `fault`: while `onAcquire` ran on it. */
  | {
    readonly kind: "lost";
    readonly now: number;
    readonly slot: Slot<C>;
    readonly fault?: HookFault | undefined;
  }
  /** Time passed. */
  | { readonly kind: "tick"; readonly now: number }
  /** The machine was asleep: what was idle is to be validated. */
  | { readonly kind: "leap"; readonly now: number }
  /** New limits. */
  | {
    readonly kind: "resize";
    readonly now: number;
    readonly min: number;
    readonly max: number;
  }
  /** Every connection opened before now is to be retired. */
  | { readonly kind: "refresh"; readonly now: number }
  /** Grant nothing until `resume`. */
  | { readonly kind: "pause"; readonly now: number }
  /** Grant again. */
  | { readonly kind: "resume"; readonly now: number }
  /** Close the pool: leases are waited for until `forceAt`, everything is gone by `endAt`. */
  | {
    readonly kind: "close";
    readonly now: number;
    readonly forceAt: number;
    readonly endAt: number;
  };
