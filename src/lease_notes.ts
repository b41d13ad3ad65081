/**
 * What few leases need.
 *
 * @module
 */

import { CallSite } from "./call_site.ts";

/** Notes on one lease, made when the first of them is taken. */
export class LeaseNotes {
  #releasedAt: CallSite | undefined;
  #controller: AbortController | undefined;

  /** Where the lease was released, when the pool records that. */
  get releasedAt(): string | undefined {
    return this.#releasedAt?.toString();
  }

  /** Notes that it is released here. */
  recordRelease(): void {
    this.#releasedAt = new CallSite();
  }

  /** The lease's signal; aborted from the start where there is a `fault`, and once `outer` is. */
  signal(fault: () => Error | undefined, outer?: AbortSignal): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = this.#controller = new AbortController();
    const reason = fault();
    if (reason !== undefined) controller.abort(reason);
    else if (outer !== undefined) {
      const follow = () => controller.abort(outer.reason);
      outer.addEventListener("abort", follow, { once: true });
    }
    return controller.signal;
  }

  /** Aborts the signal, if somebody asked for it. */
  stop(reason: () => Error): void {
    if (this.#controller !== undefined) this.#controller.abort(reason());
  }
}
