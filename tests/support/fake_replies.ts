/** What a fake server answers to SQL, and the messages that say so. */
import {
  commandComplete,
  errorResponse,
  int32,
  joined,
  message,
  parameterStatus,
} from "../driver/server_bytes.ts";

/** A column's value, as text. */
export type Value = string | null;

/** The answer to one statement. */
export interface Reply {
  /** Columns, each with the OID of its type. */
  readonly columns?: Readonly<Record<string, number>>;
  readonly rows?:
    | readonly (readonly Value[])[]
    | ((parameters: readonly Value[]) => readonly (readonly Value[])[]);
  /** Lines that it copies to the client. */
  readonly copied?: readonly string[];
  /** OIDs of the types of its parameters. */
  readonly parameters?: readonly number[];
  /** `SELECT` and the number of rows unless told. */
  readonly tag?: string;
  /** Fails, after its rows. */
  readonly error?: {
    readonly code: string;
    readonly text?: string;
    readonly severity?: "ERROR" | "FATAL";
  };
  /** Said before it. */
  readonly notice?: string;
  /** A parameter that it changes. */
  readonly setting?: readonly [name: string, value: string];
  /** Not answered until it is cancelled. */
  readonly waits?: boolean;
}

/** Which SQL a reply is for. */
export type SqlPattern = string | RegExp;

const TRANSACTIONS: readonly (readonly [RegExp, string])[] = [
  [/^(begin|start transaction)\b/, "BEGIN"],
  [/^(commit|end)\b/, "COMMIT"],
  [/^rollback to\b/, "ROLLBACK TO"],
  [/^(rollback|abort)\b/, "ROLLBACK"],
  [/^savepoint\b/, "SAVEPOINT"],
  [/^release\b/, "RELEASE"],
];

/** What a fake server knows. */
export class FakeReplies {
  readonly #known: [SqlPattern, Reply][] = [
    // The driver's look-up of array types.
    [/pg_catalog\.pg_type/, { columns: { oid: 26, typarray: 26 }, rows: [] }],
  ];

  /** Answers such SQL so; what was said last goes first. */
  set(pattern: SqlPattern, reply: Reply): void {
    this.#known.unshift([pattern, reply]);
  }

  /** The answer to one statement. */
  find(sql: string): Reply {
    const text = sql.trim();
    const command = TRANSACTIONS.find(([start]) =>
      start.test(text.toLowerCase())
    );
    if (command !== undefined) return { tag: command[1] };
    const known = this.#known.find(([pattern]) =>
      typeof pattern === "string" ? pattern === text : pattern.test(text)
    );
    return known?.[1] ??
      { error: { code: "42601", text: `no script for ${text}` } };
  }
}

/** `RowDescription`, or `NoData`. */
export function describeRows({ columns }: Reply): Uint8Array {
  if (columns === undefined) return message("n");
  const entries = Object.entries(columns);
  const fields = entries.flatMap(([name, oid]) => [
    `${name}\0`,
    [...int32(0), ...int16(0), ...int32(oid)],
    [...int16(-1), ...int32(-1), ...int16(0)],
  ]);
  return message("T", int16(entries.length), ...fields);
}

/** `ParameterDescription`. */
export function describeParameters({ parameters = [] }: Reply): Uint8Array {
  return message("t", int16(parameters.length), ...parameters.map(int32));
}

/** What running it brings, without what describes it. */
export function runReply(reply: Reply, given: readonly Value[]): Uint8Array {
  const rows = typeof reply.rows === "function"
    ? reply.rows(given)
    : reply.rows ?? [];
  const { notice, copied, error, setting } = reply;
  return joined(
    notice === undefined ? new Uint8Array(0) : noticeResponse(notice),
    ...rows.map(dataRow),
    copied === undefined ? new Uint8Array(0) : copyOut(copied),
    error === undefined
      ? commandComplete(reply.tag ?? `SELECT ${rows.length}`)
      : errorResponse(error.severity ?? "ERROR", error.code, error.text),
    setting === undefined ? new Uint8Array(0) : parameterStatus(...setting),
  );
}

/** `NoticeResponse`. */
export function noticeResponse(text: string): Uint8Array {
  return message("N", `SNOTICE\0VNOTICE\0C00000\0M${text}\0\0`);
}

/** The statements of a simple query; of what is quoted, it knows `$$`. */
export function splitStatements(sql: string): string[] {
  const parts = sql.match(/(?:\$\$.*?\$\$|[^;])+/gs) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part);
}

function copyOut(lines: readonly string[]): Uint8Array {
  const begin = message("H", [0, 0, 1, 0, 0]);
  const data = lines.map((line) => message("d", `${line}\n`));
  return joined(begin, ...data, message("c"));
}

function dataRow(values: readonly Value[]): Uint8Array {
  const fields = values.flatMap((value) =>
    value === null
      ? [int32(-1)]
      : [int32(new TextEncoder().encode(value).length), value]
  );
  return message("D", int16(values.length), ...fields);
}

function int16(value: number): number[] {
  return [value >> 8 & 255, value & 255];
}
