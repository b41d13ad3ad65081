/**
 * A waiter with somebody behind it.
 *
 * @module
 */

import { Waiter, type WaiterKind } from "../core/wait_queue.ts";
import { type CallSite, rejectAwaited } from "../call_site.ts";
import type { Member } from "./member.ts";

/** One pending request for a connection. */
export abstract class Request extends Waiter {
  /** Whether its caller has gone: nothing is told any more. */
  hasLeft = false;
  /** Whether it takes what there is, or goes: in vain, it is neither counted nor told of. */
  readonly isTentative: boolean = false;

  /** It got a connection, or a place on one. */
  abstract onGranted(member: Member): void;

  /** It got an error. */
  abstract onRefused(error: Error): void;
}

/** Who makes of a connection what a request is for. */
export interface RequestOwner<T> {
  /** What the caller gets, when he asked at `site`. */
  grant(member: Member, site: CallSite | undefined): T;
  /** The caller of a request has gone. */
  abort(request: Request): void;
}

/** A request that cannot wait: it is granted in the turn in which it is made, or never. */
export class InstantRequest extends Request {
  override readonly isTentative = true;
  /** What it got. */
  member: Member | undefined;

  constructor(since: number) {
    super("lease", since, since);
  }

  override onGranted(member: Member): void {
    this.member = member;
  }

  override onRefused(): void {}
}

/** A request that answers a promise, and can be given up through a signal. */
export class PromisedRequest<T> extends Request {
  /** Settles once, as the request does. */
  readonly promise: Promise<T>;
  /** Where it was made, when the pool records that. */
  readonly site: CallSite | undefined;
  readonly #owner: RequestOwner<T>;
  #signal: AbortSignal | undefined;
  #resolve!: (value: T | Promise<never>) => void;
  #reject!: (error: unknown) => void;

  constructor(
    kind: WaiterKind,
    since: number,
    deadline: number,
    owner: RequestOwner<T>,
    site?: CallSite,
  ) {
    super(kind, since, deadline);
    this.#owner = owner;
    this.site = site;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Lets `signal` give it up, if it has to wait. */
  heed(signal: AbortSignal | undefined): void {
    if (signal === undefined || this.state !== "queued") return;
    this.#signal = signal;
    signal.addEventListener("abort", this, { once: true });
  }

  /** The signal was aborted. */
  handleEvent(): void {
    if (this.state !== "queued") return;
    const { reason } = this.#signal!;
    // It may be turned away by this, when its deadline has passed.
    this.#owner.abort(this);
    this.#stopListening();
    this.#reject(reason);
  }

  override onGranted(member: Member): void {
    this.#stopListening();
    this.#resolve(this.#owner.grant(member, this.site));
  }

  override onRefused(error: Error): void {
    this.#stopListening();
    this.#resolve(rejectAwaited(error));
  }

  #stopListening(): void {
    this.#signal?.removeEventListener("abort", this);
    this.#signal = undefined;
  }
}
