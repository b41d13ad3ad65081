/**
 * A waiter with somebody behind it.
 *
 * @module
 */

import { Waiter, type WaiterKind } from "./core/wait_queue.ts";
import type { CallSite } from "./call_site.ts";
import type { Member } from "./member.ts";

/** One pending request for a connection. */
export abstract class Request extends Waiter {
  constructor(kind: WaiterKind, since: number, deadline: number) {
    super(kind, since, deadline);
  }

  /** It got a connection, or a place on one. */
  abstract onGranted(member: Member): void;

  /** It got an error. */
  abstract onRefused(error: Error): void;
}

/** Who gives up a request. */
export interface RequestCanceller {
  /** The caller of a request has gone. */
  abort(request: Request): void;
}

/** A request that answers a promise, and can be given up through a signal. */
export class PromisedRequest<T> extends Request {
  readonly #canceller: RequestCanceller;
  readonly #make: (member: Member, site: CallSite | undefined) => T;
  /** Where it was made, when the pool records that. */
  site: CallSite | undefined;
  #signal: AbortSignal | undefined;
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  #resolve: ((value: T) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  constructor(
    kind: WaiterKind,
    since: number,
    deadline: number,
    canceller: RequestCanceller,
    make: (member: Member, site: CallSite | undefined) => T,
  ) {
    super(kind, since, deadline);
    this.#canceller = canceller;
    this.#make = make;
  }

  /** What was granted at once, if so. */
  get granted(): T | undefined {
    const outcome = this.#outcome;
    return outcome !== undefined && "value" in outcome
      ? outcome.value
      : undefined;
  }

  /** Settles once, as the request does; `signal` gives it up. */
  promise(signal: AbortSignal | undefined): Promise<T> {
    const outcome = this.#outcome;
    if (outcome !== undefined) {
      return "value" in outcome
        ? Promise.resolve(outcome.value)
        : Promise.reject(outcome.error);
    }
    if (signal !== undefined) {
      this.#signal = signal;
      signal.addEventListener("abort", this, { once: true });
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The signal was aborted. */
  handleEvent(): void {
    if (this.state !== "queued") return;
    const { reason } = this.#signal!;
    // It may be turned away by this, when its deadline has passed.
    this.#canceller.abort(this);
    this.#fail(reason);
  }

  override onGranted(member: Member): void {
    this.#stopListening();
    const value = this.#make(member, this.site);
    if (this.#resolve === undefined) this.#outcome = { value };
    else this.#resolve(value);
  }

  override onRefused(error: Error): void {
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#stopListening();
    if (this.#reject === undefined) this.#outcome = { error };
    else this.#reject(error);
  }

  #stopListening(): void {
    this.#signal?.removeEventListener("abort", this);
    this.#signal = undefined;
  }
}
