/**
 * What a lease and a transaction have in common: they are held, and left.
 *
 * @module
 */

import { LimitableScope } from "./limited_scope.ts";

/** A scope that holds a connection until it is left. */
export abstract class HeldScope extends LimitableScope {
  /** Notes that the current flow holds the connection. */
  abstract hold(): void;

  /** Notes the same, where `await using` declares it. */
  abstract claim(): void;

  /** Leaves it; any number of times. */
  abstract end(): Promise<void>;

  /** What `await using` reads in the turn of its declaration, and calls at the end. */
  get [Symbol.asyncDispose](): () => Promise<void> {
    this.claim();
    return this.end;
  }
}
