/**
 * What a server and a network do to a pool: answers, refusals and deaths.
 *
 * @module
 */

import { ConnectError } from "../../src/pool_errors.ts";
import type { FakeDial } from "../support/fake_driver.ts";
import type { Answer, FakeSession } from "../support/fake_session.ts";
import { serverError } from "../support/fake_statement.ts";
import type { Choices } from "./choices.ts";
import type { WholePool } from "./whole_pool.ts";

/** The other end of every connection of one pool. */
export class FakeServer {
  readonly #world: WholePool;

  constructor(world: WholePool) {
    this.#world = world;
  }

  open(choices: Choices): void {
    const { phase } = this.#world.machine.state;
    const dial = choices.maybe(this.#dials);
    if (dial === undefined) return;
    if (dial.signal.aborted) this.#world.mark("a dial opens when given up");
    if (phase !== "open") this.#world.mark("a dial opens amid a close");
    dial.open();
  }

  fail(choices: Choices): void {
    const dial = choices.maybe(this.#dials);
    const error = choices.pick([
      new ConnectError("refused", "Refused"),
      new ConnectError("capacity", "Too many", { sqlState: "53300" }),
      new ConnectError("starting", "Starting up", { sqlState: "57P03" }),
      new ConnectError("auth", "Wrong password", { sqlState: "28P01" }),
      new ConnectError("tls", "No TLS"),
      new Error("The connection was reset"),
    ]);
    if (dial === undefined) return;
    const isFull = (error as { kind?: string }).kind === "capacity";
    const isAlone = this.#world.driver.sessions.size === 0;
    if (isFull) this.#world.mark(`53300 with ${isAlone ? "no" : "a"} session`);
    dial.fail(error);
  }

  /** From now on dials do, or do not, notice that they are given up. */
  turnDeaf(): void {
    const { driver } = this.#world;
    driver.isDeaf = !driver.isDeaf;
  }

  answer(choices: Choices, answer: Answer): void {
    const busy = this.#sessions.filter(({ line }) => line[0]?.isSent);
    choices.maybe(busy)?.answer(answer);
  }

  /** All that runs on a connection is answered in one packet. */
  answerTogether(choices: Choices): void {
    const busy = this.#sessions.filter(({ line }) => line[0]?.isSent);
    const count = choices.maybe(busy)?.answer("ok", Infinity) ?? 0;
    if (count > 1) this.#world.mark("several replies in one packet");
  }

  /** What is handed over from now on waits to be written, or no longer. */
  cork(choices: Choices): void {
    const session = choices.maybe(this.#sessions);
    if (session?.isCorked) session.uncork();
    else if (session !== undefined) session.isCorked = true;
  }

  endCancel(choices: Choices, outcome: "hits" | "misses" | "fails"): void {
    const session = choices.maybe(
      this.#sessions.filter(({ isCancelling }) => isCancelling),
    );
    if (session === undefined) return;
    this.#world.mark(`a cancel request ${outcome}`);
    session.endCancel(outcome);
  }

  /** A session that was asked to end has ended. */
  leave(choices: Choices): void {
    const leaving = this.#sessions.filter((one) => one.isTerminated);
    choices.maybe(leaving)?.destroy();
  }

  lose(choices: Choices): void {
    const session = choices.maybe(this.#sessions);
    if (session !== undefined) this.#kill(session, choices.chance(50));
  }

  /** A statement is answered and its connection dies, in one turn. */
  answerAndLose(choices: Choices): void {
    const busy = this.#sessions.filter(({ line }) => line[0]?.isSent);
    const session = choices.maybe(busy);
    if (session === undefined) return;
    const isLossFirst = choices.chance(50);
    if (isLossFirst) this.#kill(session, true);
    if (session.answer("ok") > 0) this.#world.mark("a reply, then a loss");
    else this.#world.mark("a loss, then a reply");
    if (!isLossFirst) this.#kill(session, false);
  }

  /** All sessions die at once, and dials fail for a while. */
  crash(): void {
    for (const session of this.#sessions) this.#kill(session, true);
    const error = new ConnectError("starting", "Starting up");
    for (const dial of this.#dials) dial.fail(error);
  }

  notice(choices: Choices): void {
    const session = choices.maybe(this.#sessions);
    session?.listener?.onNotice({ severity: "NOTICE" });
  }

  /** Does one thing well; whether there was one to do. */
  serve(): boolean {
    const dial = this.#dials[0];
    if (dial !== undefined) dial.open();
    return dial !== undefined || this.#sessions.some((one) => serve(one));
  }

  get #dials(): FakeDial[] {
    return [...this.#world.driver.dials];
  }

  get #sessions(): FakeSession[] {
    return [...this.#world.driver.sessions];
  }

  #kill(session: FakeSession, isTold: boolean): void {
    this.#world.mark(`lost while ${this.#world.stateOf(session)}`);
    const cause = isTold ? serverError("57P01") : undefined;
    session.lose({ cause, sqlState: isTold ? "57P01" : undefined });
  }
}

function serve(session: FakeSession): boolean {
  if (session.isCorked) session.uncork();
  else if (session.isCancelling) session.endCancel("hits");
  else if (session.answer("ok") > 0) return true;
  else if (session.isTerminated) session.destroy();
  else return false;
  return true;
}
