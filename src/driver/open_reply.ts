/**
 * What the user of a cursor or a COPY has of it, and whether he goes on.
 *
 * @module
 */

import { CopyGuard, type CopyWatcher } from "./copy_stream.ts";
import { guardCursor } from "./cursor.ts";
import type { DriverQuery } from "./driver_query.ts";

/** The statement that a reply is of. */
export interface ReplyOwner {
  /** Whether nobody wants the rest of it. */
  readonly isAbandoned: boolean;
  /** Its reader has left it: cancels it. */
  cancel(): void;
  /** It has failed, perhaps after its stream was given. */
  onFailed(error: unknown): void;
}

/** A reply that may come in parts, at the pace of its user. */
export class OpenReply implements CopyWatcher {
  isLookedAt = false;
  leave: (() => void) | undefined;
  /** Whether it is run in a transaction, which a cancel would undo. */
  isInTransaction = false;
  /** What of it still comes is read by nobody. */
  isLeft = false;
  readonly #owner: ReplyOwner;
  #copy: CopyGuard | undefined;

  /** Follows `query`, which may be a COPY; `close` ends a cursor. */
  constructor(
    query: DriverQuery,
    owner: ReplyOwner,
    mayCopy: boolean,
    close: unknown,
  ) {
    this.#owner = owner;
    if (mayCopy) this.#copy = new CopyGuard(query, this);
    guardCursor(query, this, close);
  }

  get isAbandoned(): boolean {
    return this.#owner.isAbandoned;
  }

  /** Whether it is a stream that is not at its end. */
  get isStreaming(): boolean {
    return this.#copy?.isOpen === true;
  }

  /** Whether its server waits for the user. */
  get isSuspended(): boolean {
    return this.isLookedAt || this.#copy?.isStalled === true;
  }

  /** Its server has ended it. */
  end(): void {
    this.#copy = undefined;
  }

  onLeft(drain: () => void): void {
    if (this.#copy === undefined || this.isAbandoned) return;
    if (!this.isInTransaction) return this.#owner.cancel();
    this.isLeft = true;
    drain();
  }

  onFailed(error: unknown): void {
    this.#owner.onFailed(error);
  }
}
