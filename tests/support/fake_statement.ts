/** Statements of a driver that is not there: lazy, as the real ones. */
import type { Statement, StatementScope } from "../../src/driver/connection.ts";
import { firstWord } from "../../src/driver/first_word.ts";
import type {
  DriverValues,
  StatementMaker,
} from "../../src/statement_maker.ts";

/** One statement; the session that runs it settles it. */
export class FakeStatement implements Statement {
  readonly text: string;
  readonly firstWord: string;
  readonly isExclusive: boolean;
  readonly mayMakeTemporary: boolean = false;
  /** Whether it is SQL of the pool's own. */
  readonly isCommand: boolean;
  /** Whether it was handed to the driver: it is answered in its turn. */
  isStarted = false;
  isSent = false;
  isAbandoned = false;
  refusal: (() => Error) | undefined;
  isBarrier = false;
  carrier: unknown;
  onEnd: (() => void) | undefined;
  /** Whose statement it is, for who checks where it runs. */
  scope: StatementScope | undefined;
  readonly result: Promise<unknown>;
  resolve!: (value: unknown) => void;
  fail!: (error: unknown) => void;

  constructor(text: string, isExclusive = false, isCommand = false) {
    this.text = text;
    this.firstWord = firstWord(text);
    this.isExclusive = isExclusive;
    this.isCommand = isCommand;
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.fail = reject;
    });
    // One that nobody awaits may fail: it was never asked for.
    this.result.catch(() => {});
  }

  // Its session settles it before it ends.
  readonly isAnswered = true;

  whenAnswered(then: () => void): void {
    then();
  }

  watchError(): void {}

  abandon(error: unknown): void {
    this.isAbandoned = true;
    this.fail(error);
  }

  refuse(error: unknown): void {
    this.fail(error);
  }

  recall(): void {
    this.isStarted = this.isSent = false;
  }

  end(): void {
    const { onEnd } = this;
    this.onEnd = undefined;
    onEnd?.();
  }
}

/** A lazy query: its statement runs once it is awaited. */
export class FakeQuery implements PromiseLike<unknown> {
  readonly statement: FakeStatement;
  readonly #scope: StatementScope;
  #isExecuted = false;

  constructor(scope: StatementScope, statement: FakeStatement) {
    this.#scope = scope;
    this.statement = statement;
    statement.scope = scope;
  }

  then<A = unknown, B = never>(
    onResult?: ((value: unknown) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.execute();
    return this.statement.result.then(onResult, onError);
  }

  execute(): this {
    if (!this.#isExecuted) {
      this.#isExecuted = true;
      // As the driver: whoever awaits it has gone on by then.
      queueMicrotask(() => this.#scope.run(this.statement));
    }
    return this;
  }

  cancel(): void {
    this.#scope.cancel(this.statement);
  }
}

/** Makes queries; those whose text begins with `alone` need a connection alone. */
export const fakeMaker: StatementMaker = {
  sql: {} as DriverValues,
  tag: (scope, first) => fakeQuery(scope, String(first)),
  unsafe: (scope, [text]) => fakeQuery(scope, String(text)),
  file: (scope, path) => fakeQuery(scope, String(path)),
};

function fakeQuery(scope: StatementScope, text: string): FakeQuery {
  const isExclusive = text.startsWith("alone");
  return new FakeQuery(scope, new FakeStatement(text, isExclusive));
}

/** An error of a server, as far as anybody looks at it. */
export function serverError(code: string): Error {
  return Object.assign(new Error(`The server says ${code}`), { code });
}
