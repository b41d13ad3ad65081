/**
 * The base of everything that is called like the driver's `sql`.
 *
 * @module
 */

import type { Statement, StatementScope } from "./driver/connection.ts";
import type { DriverValues, StatementMaker } from "./statement_maker.ts";

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

  get types(): DriverValues["types"] {
    return this.maker.values.types;
  }

  get typed(): DriverValues["typed"] {
    return this.maker.values.typed;
  }

  get options(): DriverValues["options"] {
    return this.maker.values.options;
  }

  get parameters(): DriverValues["parameters"] {
    return this.maker.values.parameters;
  }

  get PostgresError(): DriverValues["PostgresError"] {
    return this.maker.values.PostgresError;
  }

  get CLOSE(): DriverValues["CLOSE"] {
    return this.maker.values.CLOSE;
  }

  get END(): DriverValues["END"] {
    return this.maker.values.END;
  }

  get json(): DriverValues["json"] {
    return this.maker.values.json;
  }

  get array(): DriverValues["array"] {
    return this.maker.values.array;
  }

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

const NOTIFY = Object.freeze(
  Object.assign(["select pg_notify(", ", ", ")"], {
    raw: ["select pg_notify(", ", ", ")"],
  }),
);
