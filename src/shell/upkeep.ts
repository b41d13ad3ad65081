/**
 * What is done to a connection between its users: opened, checked, put back.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import type { Fate, HookFault } from "../core/input.ts";
import type { Connection } from "../driver/connection.ts";
import type { Slot } from "../core/slot.ts";
import type { Dial } from "./dial_desk.ts";
import { Member } from "./member.ts";
import { LeaseReleasedError } from "../pool_errors.ts";
import type { HookName } from "../pool_events.ts";
import type { ConnectionHook } from "../pool_options.ts";
import type { PoolShell } from "./pool_shell.ts";

/** Runs a hook on a connection that nobody holds, with a lease for as long as it runs. */
export type HookRunner = (
  shell: PoolShell,
  member: Member,
  hook: ConnectionHook,
) => Promise<void>;

// As DISCARD ALL, but for prepared statements, which the driver knows by name.
// RESET ALL leaves the role as it is.
const RESET_SESSION = "close all; set session authorization default; " +
  "reset role; reset all; unlisten *; select pg_advisory_unlock_all(); " +
  "discard temp; discard sequences";

// A server that is there closes in a few round trips.
const CLOSE_LIMIT_MS = 1_000;

/** Keeps connections fit to be lent. What fails here is told by an event and costs the connection. */
export class Upkeep {
  readonly #shell: PoolShell;
  readonly #runHook: HookRunner;

  constructor(shell: PoolShell, runHook: HookRunner) {
    this.#shell = shell;
    this.#runHook = runHook;
  }

  /**
   * Opens a connection and runs `onConnect` on it.
   *
   * @throws {ConnectError} When it cannot be opened, or what the hook threw.
   */
  async open(slot: Slot<Member>, dial: Dial): Promise<Member> {
    const { closes, options } = this.#shell;
    const { signal } = dial.controller;
    const connection = await this.#dial(slot.attempt, signal);
    const member = new Member(connection, slot);
    this.#shell.listenTo(member);
    const leave = () => member.leaveHook?.();
    signal.addEventListener("abort", leave, { once: true });
    try {
      signal.throwIfAborted();
      dial.connection = connection;
      await this.#hook("onConnect", options.onConnect, member, signal);
      if (!member.isClean) throw this.#uncleanError(member, signal);
      member.hasRun = false;
      return member;
    } catch (error) {
      await closes.end(connection, CLOSE_LIMIT_MS);
      throw error;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** Dials; one that is abandoned is not waited for, and closed should it still succeed. */
  async #dial(attempt: number, signal: AbortSignal): Promise<Connection> {
    const dialled = this.#shell.driver.dial({ attempt, signal });
    try {
      return await abortable(dialled, signal);
    } catch (error) {
      dialled.then((late) => late.destroy(), () => {});
      throw error;
    }
  }

  /** Validates a connection; answers whether its server does. */
  async ping({ connection }: Member): Promise<boolean> {
    try {
      await connection.command("");
      return true;
    } catch {
      return false;
    }
  }

  /** Runs `onAcquire` on a connection; answers what it threw, if so. */
  async prepare(member: Member): Promise<HookFault | undefined> {
    const { options, clock } = this.#shell;
    try {
      await this.#hook("onAcquire", options.onAcquire, member);
      return undefined;
    } catch (error) {
      return { error, random: clock.random() };
    }
  }

  /** What a connection needs after a lease. */
  fateAfterLease(member: Member): Fate {
    const { reset, onRelease } = this.#shell.options;
    const { fate } = member;
    if (fate === "destroy") return fate;
    if (fate === "reset" && reset === "none") {
      const { transactionStatus } = member.connection;
      return transactionStatus === "idle" ? "reset" : "destroy";
    }
    const isDue = onRelease !== undefined || typeof reset === "function" ||
      this.isTouched(member);
    return isDue ? "reset" : fate;
  }

  /** Whether a session is not as nobody has used it, where the next one is promised that. */
  isTouched(member: Member): boolean {
    return this.#shell.options.reset === "session" && member.hasRun;
  }

  /** What a connection needs after one-shots: they are told by what the wire showed of them. */
  fateAfterOneShots(member: Member): Fate {
    const fate = member.sessionFate;
    const isTouched = this.#shell.options.reset === "session" &&
      member.connection.isTouched;
    return fate === "keep" && isTouched ? "reset" : fate;
  }

  /** Puts a connection back as it was before its last users; answers whether it may be lent. */
  async putBack(member: Member): Promise<boolean> {
    const { connection, wasLeased } = member;
    const { onRelease } = this.#shell.options;
    try {
      await this.#shell.cancels.endOpen(
        member,
        () => new LeaseReleasedError("go on"),
      );
      await connection.quiesce();
      if (connection.transactionStatus !== "idle") {
        await connection.command("rollback");
      }
      if (wasLeased) await this.#hook("onRelease", onRelease, member);
      await this.#resetSession(member);
      member.wasLeased = member.hasRun = false;
      return member.isClean;
    } catch {
      return false;
    }
  }

  async #resetSession(member: Member): Promise<void> {
    const { reset } = this.#shell.options;
    if (typeof reset === "function") {
      if (member.wasLeased) await this.#hook("reset", reset, member);
    } else if (reset === "session") {
      await member.connection.command(RESET_SESSION).catch((error) => {
        this.#tell("reset", this.#lateError("reset", member, error) ?? error);
        throw error;
      });
      member.connection.markClean();
    }
  }

  async #hook(
    name: HookName,
    hook: ConnectionHook | undefined,
    member: Member,
    signal?: AbortSignal,
  ): Promise<void> {
    if (hook === undefined) return;
    // It may hang for ever; who waits for it does not.
    const left = new Promise<never>((_, reject) => {
      member.leaveHook = () =>
        reject(signal?.aborted ? signal.reason : member.lostError());
    });
    try {
      const ran = this.#runHook(this.#shell, member, hook);
      await Promise.race([ran, left]);
      if (!member.isClean) throw this.#uncleanError(member, signal);
    } catch (thrown) {
      const error = this.#lateError(name, member, thrown) ?? thrown;
      this.#tell(name, error);
      throw error;
    } finally {
      member.leaveHook = undefined;
    }
  }

  #tell(hook: HookName, error: unknown): void {
    this.#shell.events.push({ type: "hookerror", hook, error });
    this.#shell.events.flush();
  }

  /** What a hook throws whose connection was closed because it took too long. */
  #lateError(
    name: HookName,
    { closedFor }: Member,
    cause: unknown,
  ): Error | undefined {
    const { options } = this.#shell;
    if (closedFor !== "validation" && closedFor !== "reset") return undefined;
    const limitMs = name === "onAcquire"
      ? options.connectTimeoutMs
      : options.releaseTimeoutMs;
    const message =
      `Cannot use the connection: ${name} did not end within ${limitMs} ms`;
    return new Error(message, { cause });
  }

  #uncleanError(member: Member, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    const { connection, isDestroyed } = member;
    const state = isDestroyed
      ? "destroyed its connection"
      : connection.isLost
      ? "lost its connection"
      : connection.inFlight > 0
      ? `left ${connection.inFlight} statements running`
      : `left a transaction ${connection.transactionStatus}`;
    return new Error(`Cannot use the connection: a hook ${state}`);
  }
}
