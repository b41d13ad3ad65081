/**
 * How what the core asks for is done.
 *
 * @module
 */

import type { CloseReason, Effect } from "../core/effect.ts";
import type { Slot } from "../core/slot.ts";
import type { Member } from "./member.ts";
import { LeaseReleasedError } from "../pool_errors.ts";
import type { PoolShell } from "./pool_shell.ts";
import type { Request } from "./request.ts";

// It did what it should not, or took too long: nothing on it is waited for.
const AT_ONCE: ReadonlySet<CloseReason> = new Set([
  "destroyed",
  "reset",
  "validation",
]);

/** Carries out effects, each in the turn in which it is asked for. */
export class EffectRunner {
  readonly #shell: PoolShell;

  constructor(shell: PoolShell) {
    this.#shell = shell;
  }

  /** Does what an effect asks for. */
  carryOut(effect: Effect<Member>, now: number): void {
    const shell = this.#shell;
    switch (effect.kind) {
      case "grant":
        return shell.requests.grant(
          effect.waiter as Request,
          effect.slot.connection!,
          now,
        );
      case "ready":
        return (effect.waiter as Request).onGranted(undefined as never);
      case "turnAway":
        return shell.requests.turnAway(effect, now);
      case "dial":
        return void shell.dials.begin(effect.slot);
      case "abandon":
        return shell.dials.abandon(effect.slot, effect.isTimeout);
      case "prepare":
        return void this.#prepare(effect);
      case "reset":
        return void this.#reset(effect.slot);
      case "close":
        return this.#close(effect);
      case "destroy":
        shell.dials.cut(effect.slot);
        return effect.slot.connection?.connection.destroy();
      case "drained":
        return shell.drained();
    }
  }

  async #prepare(
    { slot, ping, hook }: Extract<Effect<Member>, { kind: "prepare" }>,
  ): Promise<void> {
    await undefined;
    const shell = this.#shell;
    const member = slot.connection!;
    const answers = !ping || await shell.upkeep.ping(member);
    const isToRun = answers && hook;
    if (ping && isToRun) {
      shell.feed({ kind: "answered", now: shell.now(), slot });
    }
    const fault = isToRun ? await shell.upkeep.prepare(member) : undefined;
    const isOk = answers && fault === undefined && member.isClean;
    const isTouched = shell.upkeep.isTouched(member);
    const now = shell.now();
    shell.feed({ kind: "prepared", now, slot, isOk, isTouched, fault });
  }

  async #reset(slot: Slot<Member>): Promise<void> {
    const member = slot.connection!;
    await undefined;
    const shell = this.#shell;
    const isOk = await shell.upkeep.putBack(member);
    shell.feed({ kind: "wasReset", now: shell.now(), slot, isOk });
    member.settleReturn();
  }

  #close(
    { slot, reason }: Extract<Effect<Member>, { kind: "close" }>,
  ): void {
    const member = slot.connection!;
    member.closedFor = reason;
    const { counters, events, cancels, closes } = this.#shell;
    counters.closed[reason]++;
    const { pid } = member.connection;
    events.push({ type: "close", pid, reason });
    member.settleReturn();
    // What its lease left open is told of that.
    if (member.isReleased) {
      member.connection.underWay.abandonOpen(() =>
        new LeaseReleasedError("go on")
      );
    }
    const mayFinish = member.isReleased && !AT_ONCE.has(reason);
    const { closeTimeoutMs } = this.#shell.options;
    if (mayFinish) void closes.close(member.connection, closeTimeoutMs);
    else void member.connection.close();
    member.leaveHook?.();
    cancels.insist(member);
  }
}
