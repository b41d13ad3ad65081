import {
  type SessionStatement,
  StatementLine,
} from "../../src/driver/statement_line.ts";
import { assertEquals } from "../support/assert.ts";

/** A statement that remembers what was done to it. */
class FakeStatement implements SessionStatement {
  readonly text: string;
  readonly firstWord = "";
  readonly mayMakeTemporary = false;
  isExclusive = false;
  isSuspended = false;
  mayCopy = false;
  isCommand = false;
  mustRunAgain = false;
  isBlocking = false;
  isLasting = false;
  isEndedCursor = false;
  isOrphan = false;
  isAnswered = false;
  whenAnswered(): void {}
  isOpen = false;
  isLeft = false;
  isSent = false;
  isAbandoned = false;
  isBarrier = false;
  carrier: unknown;
  refusal: (() => Error) | undefined;
  onEnd: (() => void) | undefined;
  next: SessionStatement | undefined;
  ends = 0;
  recalls = 0;

  constructor(text: string, options: Partial<FakeStatement> = {}) {
    this.text = text;
    Object.assign(this, options);
  }

  end(): void {
    this.ends++;
    this.onEnd?.();
  }

  recall(): void {
    this.recalls++;
    this.isSent = false;
  }

  watchError(): void {}

  abandon(): void {
    this.isAbandoned = this.isOrphan = true;
  }

  readonly steps: unknown[] = [];

  fail(error: unknown): void {
    this.steps.push(error);
  }

  refuse(error: unknown): void {
    this.fail(error);
  }

  shield(): () => void {
    this.steps.push("shield");
    return () => this.steps.push("lift");
  }
}

function textOf(statement: SessionStatement): string {
  return (statement as FakeStatement).text;
}

const LOST_SENT = new Error("Lost, and sent");
const LOST_UNSENT = new Error("Lost, and not sent");

/** A line, and what it handed to the driver, each with who was the head then. */
class World {
  readonly executed: string[] = [];
  readonly dropped: string[] = [];
  readonly line: StatementLine;
  /** Those that the driver refuses. */
  readonly refused = new Set<string>();
  /** Called while a statement is being handed over. */
  onExecute: ((statement: SessionStatement) => void) | undefined;

  constructor() {
    this.line = new StatementLine(
      (statement, head) => {
        this.onExecute?.(statement);
        if (this.refused.has(textOf(statement))) return false;
        const behind = head === undefined ? "" : ` behind ${textOf(head)}`;
        this.executed.push(textOf(statement) + behind);
        return true;
      },
      (statement) => {
        this.dropped.push(textOf(statement));
        statement.end();
      },
    );
  }

  add(text: string, options: Partial<FakeStatement> = {}): FakeStatement {
    const statement = new FakeStatement(text, options);
    this.line.add(statement);
    return statement;
  }
}

Deno.test("StatementLine hands statements over at once, each with the head of the line", () => {
  const world = new World();
  for (const text of ["a", "b", "c"]) world.add(text);
  assertEquals(world.executed, ["a", "b behind a", "c behind a"]);
  assertEquals(world.line.length, 3);
});

Deno.test("StatementLine ends the oldest statements, one for each reply", () => {
  const world = new World();
  const [a, b, c] = ["a", "b", "c"].map((text) => world.add(text));
  assertEquals(world.line.end(2), 2);
  assertEquals([a!.ends, b!.ends, c!.ends], [1, 1, 0]);
  world.add("d");
  assertEquals(world.executed.at(-1), "d behind c");
  assertEquals(world.line.end(2), 2);
  assertEquals(world.line.length, 0);
});

Deno.test("StatementLine refuses what waits to be handed over and has a refusal, and nothing else", () => {
  const world = new World();
  const refusal = () => LOST_UNSENT;
  const a = world.add("a", { isBlocking: true, refusal });
  const b = world.add("b", { refusal });
  const c = world.add("c");
  world.line.refuseStuck();
  assertEquals([a.steps, b.steps, c.steps], [[], [LOST_UNSENT], []]);
  assertEquals(world.dropped, ["b"]);
  assertEquals(world.line.lastUnsent, c);
  world.line.end(1);
  assertEquals(world.executed, ["a", "c"]);
  assertEquals(world.line.lastUnsent, undefined);
});

Deno.test("StatementLine takes no reply for a statement that there is not", () => {
  const world = new World();
  const a = world.add("a");
  assertEquals(world.line.end(3), 1);
  assertEquals(a.ends, 1);
  assertEquals(world.line.end(1), 0);
});

Deno.test("StatementLine keeps statements behind a blocking one until it ends, in order", () => {
  const world = new World();
  world.add("a");
  world.add("block", { isBlocking: true });
  for (const text of ["c", "d"]) world.add(text);
  assertEquals(world.executed, ["a", "block behind a"]);
  world.line.end(1);
  world.add("e");
  assertEquals(world.executed.length, 2);
  world.line.end(1);
  assertEquals(world.executed.slice(2), ["c", "d behind c", "e behind c"]);
});

Deno.test("StatementLine lets one that lasts run alone", () => {
  const world = new World();
  for (const text of ["a", "b"]) world.add(text);
  world.add("cursor", { isLasting: true, isBlocking: true });
  world.add("c");
  world.line.end(1);
  assertEquals(world.executed.length, 2);
  world.line.end(1);
  assertEquals(world.executed.slice(2), ["cursor"]);
  world.line.end(1);
  assertEquals(world.executed.slice(3), ["c"]);
});

Deno.test("StatementLine stops at the next blocking one in the lane", () => {
  const world = new World();
  world.add("a", { isBlocking: true });
  world.add("b", { isBlocking: true });
  world.add("c");
  world.line.end(1);
  assertEquals(world.executed, ["a", "b"]);
  world.line.end(1);
  assertEquals(world.executed, ["a", "b", "c"]);
});

Deno.test("StatementLine marks sent what the driver held when it wrote, and no other", () => {
  const world = new World();
  const [a, b] = ["a", "b"].map((text) => world.add(text));
  const block = world.add("block", { isBlocking: true });
  world.line.markSent();
  const waiting = world.add("waiting");
  assertEquals([a!, b!, block, waiting].map(({ isSent }) => isSent), [
    true,
    true,
    true,
    false,
  ]);
  world.line.end(2);
  world.line.markSent();
  assertEquals(waiting.isSent, false);
  world.line.end(1);
  assertEquals(waiting.isSent, false);
  world.line.markSent();
  assertEquals(waiting.isSent, true);
});

Deno.test("StatementLine marks sent what the driver writes while it takes it", () => {
  const world = new World();
  world.onExecute = () => world.line.markSent();
  assertEquals(world.add("long").isSent, true);
});

Deno.test("StatementLine does not take a statement for sent in the place of one that was refused", () => {
  const world = new World();
  world.refused.add("a");
  world.onExecute = (statement) =>
    textOf(statement) === "a" && world.line.markSent();
  world.add("a");
  const b = world.add("b");
  assertEquals(b.isSent, false);
  world.line.markSent();
  assertEquals(b.isSent, true);
});

Deno.test("StatementLine runs again what was answered without having run, before all that waits", () => {
  const world = new World();
  const stale = ["a", "b"].map((text) =>
    world.add(text, { mustRunAgain: true })
  );
  world.add("c");
  world.line.markSent();
  assertEquals(world.line.end(1), 0);
  const late = world.add("late");
  assertEquals([stale[0]!.ends, stale[0]!.recalls], [0, 1]);
  assertEquals(stale[0]!.isSent, false);
  assertEquals(world.executed.length, 3);
  assertEquals(world.line.end(2), 1);
  assertEquals(world.executed.slice(3), ["a", "b behind a", "late behind a"]);
  assertEquals(world.line.length, 3);
  for (const statement of stale) statement.mustRunAgain = false;
  assertEquals(world.line.end(3), 3);
  assertEquals([...stale, late].map(({ ends }) => ends), [1, 1, 1]);
});

Deno.test("StatementLine writes nothing behind what nobody awaits, and goes on once it ends", () => {
  const world = new World();
  const [awaited, left] = [world.add("awaited"), world.add("left")];
  left.abandon();
  const beside = world.add("beside");
  assertEquals(world.line.mayCancel, false);
  world.line.end(2);
  beside.abandon();
  const next = world.add("next");
  assertEquals(world.line.mayCancel, true);
  assertEquals([awaited, left, beside, next].map(({ ends }) => ends), [
    1,
    1,
    0,
    0,
  ]);
  assertEquals(world.executed.length, 3);
  world.line.end(1);
  assertEquals(world.executed.length, 4);
});

Deno.test("StatementLine writes nothing while it is held, then all in order", () => {
  const world = new World();
  world.add("a");
  world.line.hold();
  world.add("b");
  world.line.end(1);
  assertEquals(world.executed, ["a"]);
  world.add("c");
  world.line.resume();
  assertEquals(world.executed, ["a", "b", "c behind b"]);
});

Deno.test("StatementLine lets none overtake those who were held", () => {
  const world = new World();
  world.add("a");
  world.line.hold();
  world.add("b");
  world.line.resume();
  world.add("c");
  assertEquals(world.executed, ["a", "b behind a", "c behind a"]);
});

Deno.test("StatementLine stays blocked when it is no longer held", () => {
  const world = new World();
  world.add("a", { isBlocking: true });
  world.line.hold();
  world.add("b");
  world.line.resume();
  assertEquals(world.executed, ["a"]);
});

Deno.test("StatementLine drops a statement that was given up before its turn, and tells", () => {
  const world = new World();
  world.add("a", { isBlocking: true });
  const b = world.add("b");
  world.add("c");
  b.abandon();
  world.line.end(1);
  assertEquals(world.dropped, ["b"]);
  assertEquals(b.ends, 1);
  assertEquals(world.executed, ["a", "c"]);
});

Deno.test("StatementLine drops a statement that the driver refuses, and tells", () => {
  const world = new World();
  world.refused.add("a");
  const a = world.add("a");
  assertEquals(world.dropped, ["a"]);
  assertEquals([a.ends, world.line.length], [1, 0]);
});

Deno.test("StatementLine gives up all that a user has in it, in order", () => {
  const world = new World();
  world.add("again", { mustRunAgain: true });
  world.add("running", { isBlocking: true });
  world.line.end(1);
  world.add("waiting");
  const all = world.line.abandonAll(() => {}, () => new Error("Lost"));
  assertEquals(all.map(textOf), ["running", "again", "waiting"]);
  assertEquals(world.line.length, 0);
});

Deno.test("StatementLine keeps the driver from settling what it gives up, and fails our own", () => {
  const world = new World();
  const [sent, command] = ["sent", "command"].map((text) =>
    world.add(text, { isCommand: text === "command" })
  );
  world.line.markSent();
  const unsent = world.add("unsent", { isCommand: true });
  const all = world.line.abandonAll(
    () => sent!.steps.push("driver"),
    (isSent) => isSent ? LOST_SENT : LOST_UNSENT,
  );
  assertEquals(all, [sent!]);
  assertEquals(sent!.steps, ["shield", "driver", "lift"]);
  assertEquals(command!.steps.at(-1), LOST_SENT);
  assertEquals(unsent.steps.at(-1), LOST_UNSENT);
});

Deno.test("StatementLine lets whoever is told of an end add the next", () => {
  const world = new World();
  const a = world.add("a");
  world.add("b");
  a.onEnd = () => void world.add("c");
  world.line.end(1);
  assertEquals(world.executed, ["a", "b behind a", "c behind b"]);
  assertEquals(world.line.length, 2);
});

Deno.test("StatementLine knows whether anybody waits for what it has", () => {
  const world = new World();
  assertEquals(world.line.isAbandoned, true);
  const a = world.add("a", { isBlocking: true });
  const b = world.add("b");
  a.abandon();
  assertEquals(world.line.isAbandoned, false);
  b.abandon();
  assertEquals(world.line.isAbandoned, true);
  const c = world.add("c");
  assertEquals(world.line.isAbandoned, false);
  c.isAnswered = true;
  assertEquals(world.line.isAbandoned, true);
});

Deno.test("StatementLine gives up all that is open, wherever it stands, and nothing else", () => {
  const world = new World();
  const a = world.add("a", { isBlocking: true, isOpen: true });
  const b = world.add("b", { isOpen: true });
  const c = world.add("c");
  let errors = 0;
  world.line.abandonOpen(() => new Error(`Given up ${++errors}`));
  assertEquals([a, b, c].map(({ isAbandoned }) => isAbandoned), [
    ...[true, true, false],
  ]);
  assertEquals(errors, 2);
});

Deno.test("StatementLine knows whether the one that runs lasts", () => {
  const world = new World();
  assertEquals(world.line.head?.isLasting, undefined);
  world.add("cursor", { isLasting: true });
  assertEquals(world.line.head?.isLasting, true);
});
