/**
 * The dials under way.
 *
 * @module
 */

import type { Connection } from "../driver/connection.ts";
import type { Slot } from "../core/slot.ts";
import type { Member } from "./member.ts";
import { ConnectError, PoolClosedError } from "../pool_errors.ts";
import type { PoolShell } from "./pool_shell.ts";

/** One attempt of a dial. */
export interface Dial {
  readonly controller: AbortController;
  /** Set once its server has answered, and `onConnect` begins. */
  connection: Connection | undefined;
}

/** Begins dials, gives them up, and tells the core how they end: each once. */
export class DialDesk {
  readonly #shell: PoolShell;
  readonly #dials = new Map<Slot<Member>, Dial>();

  constructor(shell: PoolShell) {
    this.#shell = shell;
  }

  /** Begins a dial. */
  async begin(slot: Slot<Member>): Promise<void> {
    const dial: Dial = {
      controller: new AbortController(),
      connection: undefined,
    };
    this.#dials.set(slot, dial);
    // What a user wrote, as a password function, is never called while effects
    // are carried out: they would be interleaved with those it causes.
    await undefined;
    const began = this.#shell.now();
    try {
      const { upkeep } = this.#shell;
      const member = await upkeep.open(slot, dial);
      this.#dials.delete(slot);
      this.#succeed(slot, member, this.#shell.now() - began);
    } catch (error) {
      this.#dials.delete(slot);
      this.#fail(slot, error, dial.connection !== undefined);
    }
  }

  /** Gives up a dial, if it is under way, and cuts what it has opened. */
  cut(slot: Slot<Member>): void {
    this.abandon(slot, false);
    this.#dials.get(slot)?.connection?.destroy();
  }

  /** Gives up a dial, if it is under way. */
  abandon(slot: Slot<Member>, isTimeout: boolean): void {
    const dial = this.#dials.get(slot);
    if (dial === undefined) return;
    const reason = isTimeout ? this.#timeoutError(dial) : this.#needlessError();
    dial.controller.abort(reason);
  }

  #needlessError(): Error {
    const { options, machine } = this.#shell;
    return machine.state.phase === "open"
      ? new Error("Cannot open a connection: the pool has become smaller")
      : new PoolClosedError(options.name, "open a connection");
  }

  #timeoutError({ connection }: Dial): ConnectError {
    const { connectTimeoutMs } = this.#shell.options;
    const isHooked = connection !== undefined;
    const what = isHooked ? "onConnect did not end" : "no answer";
    const message =
      `Cannot open a connection: ${what} within ${connectTimeoutMs} ms`;
    return new ConnectError("timeout", message);
  }

  #succeed(slot: Slot<Member>, connection: Member, dialMs: number): void {
    const { clock, counters, events } = this.#shell;
    counters.opened++;
    counters.dial.record(dialMs);
    const { pid } = connection.connection;
    events.push({ type: "open", pid, dialMs });
    const now = clock.now();
    const random = clock.random();
    this.#shell.feed({ kind: "dialled", now, slot, connection, random });
  }

  #fail(slot: Slot<Member>, error: unknown, isHooked: boolean): void {
    const { clock, counters, events, driver } = this.#shell;
    if (slot.state === "connecting") {
      counters.openErrors++;
      events.push({ type: "openerror", error: error as Error });
    }
    // A name that does not exist says nothing about the hosts beside it; what a
    // hook throws, nothing about the server.
    const isPermanent = !isHooked && error instanceof ConnectError &&
      error.isPermanent && (error.kind !== "dns" || driver.attempts === 1);
    const now = clock.now();
    const random = clock.random();
    this.#shell.feed({
      kind: "dialFailed",
      now,
      slot,
      error,
      isPermanent,
      random,
    });
  }
}
