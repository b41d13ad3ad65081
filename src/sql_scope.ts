/**
 * The base of everything that is called like the driver's `sql`.
 *
 * @module
 */

import type { Statement, StatementScope } from "./driver/connection.ts";
import { type StatementMaker, VALUE_NAMES } from "./statement_maker.ts";

type Call = (first: unknown, ...rest: readonly unknown[]) => unknown;

/** An object that is a function: `call`, with the class's members. */
class Callable {
  constructor(call: Call) {
    return Object.setPrototypeOf(call, new.target.prototype);
  }
}

/** A template tag with the driver's helpers, whose queries run in this scope. */
export abstract class SqlScope extends Callable implements StatementScope {
  constructor() {
    let scope: SqlScope | undefined = undefined;
    super((first, ...rest) => scope!.maker.tag(scope!, first, rest));
    scope = this as SqlScope;
  }

  /** What makes its queries. */
  abstract get maker(): StatementMaker;

  abstract run(statement: Statement): void;

  abstract cancel(statement: Statement): void;

  unsafe(...args: readonly unknown[]): unknown {
    return this.maker.unsafe(this, args);
  }

  file(path: unknown, ...args: readonly unknown[]): unknown {
    return this.maker.file(this, path, args);
  }

  async notify(channel: string, payload: string): Promise<unknown> {
    return await this.maker.tag(this, NOTIFY, [channel, `${payload}`]);
  }
}

for (const name of VALUE_NAMES) {
  Object.defineProperty(SqlScope.prototype, name, {
    configurable: true,
    get(this: SqlScope): unknown {
      return this.maker.sql[name];
    },
  });
}

const NOTIFY = Object.freeze(
  Object.assign(["select pg_notify(", ", ", ")"], {
    raw: ["select pg_notify(", ", ", ")"],
  }),
);
