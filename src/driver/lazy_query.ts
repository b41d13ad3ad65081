/**
 * Lazy queries as the driver has them, but made without its constructor.
 *
 * @module
 */

import { CallSite, stackLines } from "../call_site.ts";
import { isTemplate, type StatementScope } from "./connection.ts";
import type { DriverQuery, QueryHandler } from "./driver_query.ts";
import type { DriverStatement } from "./driver_statement.ts";
import { leavable } from "./cursor.ts";
import { firstWord } from "./first_word.ts";
import { Template } from "./template.ts";

type Settle = (value: unknown) => void;

// What settles the query that is being made. Kept any longer, they would keep
// that query, and its lease.
let resolveMade: Settle = ignore;
let rejectMade: Settle = ignore;

function ignore(): void {}

function noteSettlers(resolve: Settle, reject: Settle): void {
  resolveMade = resolve;
  rejectMade = reject;
}

const ENDS_IN_WORD = /[a-z]$/i;

// No text can hold it.
const OTHER = "\0";

// Resolved; what waits for it runs after the code that is running.
const NOW = Promise.resolve();

/**
 * A query with the methods of the driver's class, and with what its
 * constructor gives one; a contract test compares the two.
 *
 * That constructor makes functions which hold the query. With V8 15 each query
 * then keeps the next one until a major collection, though both are done with;
 * what that costs the driver shows in `gc` of `deno task bench profile`.
 */
export class LazyQuery extends Promise<unknown> implements DriverQuery {
  readonly tagged: boolean;
  strings: readonly string[];
  readonly args: readonly unknown[];
  handler: QueryHandler;
  canceller: ((query: DriverQuery) => void) | null = null;
  readonly options: Record<string, unknown>;
  state: unknown = null;
  statement: DriverQuery["statement"] = null;
  resolve: Settle = LazyQuery.#onResult;
  reject: Settle = LazyQuery.#onError;
  active = false;
  cancelled: unknown = null;
  executed = false;
  signature: unknown = "";
  // What the driver adds later: so all have the same shape.
  isRaw: unknown = undefined;
  cursorFn: ((rows: unknown) => unknown) | undefined = undefined;
  forEachFn: unknown = undefined;
  streaming: boolean | undefined = undefined;
  string = "";
  parameters: unknown[] | null = null;
  prepare: unknown = undefined;
  prepared: unknown = undefined;
  describeFirst: unknown = undefined;
  onlyDescribe: boolean | undefined = undefined;
  parsing: unknown = undefined;
  reserve: unknown = undefined;
  /** Whether the loop over its rows was left. */
  isLeft = false;
  // Hidden, as whoever logs a query shows its fields.
  readonly #scope: StatementScope | undefined;
  readonly #template: Template | undefined;
  readonly #site: CallSite | undefined;
  readonly #resolve = resolveMade;
  readonly #reject = rejectMade;
  #statement: DriverStatement | undefined;
  #isSettled = false;

  constructor(
    handler: QueryHandler,
    scope: StatementScope | undefined,
    strings: readonly string[],
    args: readonly unknown[],
    options: Record<string, unknown>,
  ) {
    super(noteSettlers);
    noteSettlers(ignore, ignore);
    this.tagged = isTemplate(strings);
    this.strings = strings;
    this.args = args;
    this.handler = handler;
    this.#scope = scope;
    this.options = options;
    this.#template = this.tagged ? Template.of(strings, scope) : undefined;
    // A program that makes its strings by itself may use them anew for another.
    const isUnknown = this.tagged && this.#template === undefined;
    const entry = this.tagged ? scope : undefined;
    const isNoted = isUnknown || Boolean(handler.debug);
    this.#site = isNoted ? new CallSite(entry) : undefined;
  }

  /** What `then` answers is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Gives all queries the methods of the driver's, and makes them its instances. */
  static inherit(driverClass: { readonly prototype: object }): void {
    Object.setPrototypeOf(LazyQuery.prototype, driverClass.prototype);
  }

  /** Where it was made, as frames of a stack; empty if that is not known. The driver cuts off the first line. */
  get origin(): string {
    return this.#site?.origin ?? stackLines(this.#template?.place ?? "");
  }

  /** As the driver's, but that its loop may be left while it waits for rows, as a stream is. */
  cursor(...how: readonly unknown[]): unknown {
    const { cursor } = Object.getPrototypeOf(LazyQuery.prototype);
    return leavable(Reflect.apply(cursor, this, how), this);
  }

  /** Has it run once, when whoever awaits it has said all about it, as `.cursor()`. */
  handle(): void {
    if (this.executed) return;
    this.executed = true;
    NOW.then(() => this.#run());
  }

  /** Where it runs; what we ask of a server ourselves has none. */
  get scope(): StatementScope | undefined {
    return this.#scope;
  }

  /** Whether it was given a result or an error; its server may not have ended it yet. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether its rows are those of a loop, which takes its errors, too. */
  get isIterated(): boolean {
    return this.cursorFn !== undefined && this.reject !== LazyQuery.#onError;
  }

  /** The first word of its text, in lower case, also where a fragment holds it, or a part of it; empty if it is not known. */
  get firstWord(): string {
    const text = this.strings[0] ?? "";
    const word = this.#template?.firstWord ?? firstWord(text);
    if (!(this.args[0] instanceof LazyQuery)) return word;
    if (word !== "" && !ENDS_IN_WORD.test(text)) return word;
    const whole = firstWord(this.#text);
    return whole === OTHER ? "" : whole;
  }

  /** Its text with that of its fragments, and a sign in the place of what is none. */
  get #text(): string {
    const textOf = (part: unknown) =>
      part instanceof LazyQuery ? part.#text : OTHER;
    return this.strings.map((text, at) =>
      at < this.args.length ? text + textOf(this.args[at]) : text
    ).join("");
  }

  /** As sessions know it; `make` is called once. */
  statementOf(make: (query: LazyQuery) => DriverStatement): DriverStatement {
    return this.#statement ??= make(this);
  }

  #run(): void {
    try {
      this.handler(this);
    } catch (error) {
      this.reject(error);
    }
  }

  static #onResult(this: LazyQuery, result: unknown): void {
    this.active = false;
    this.#isSettled = true;
    this.#resolve(result);
  }

  static #onError(this: LazyQuery, error: unknown): void {
    this.active = false;
    this.#isSettled = true;
    this.#reject(error);
    this.#statement?.onFailed(error);
  }
}
