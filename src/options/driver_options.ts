/**
 * The options that are passed on to the driver, and its names for ours.
 *
 * @module
 */

/** How one PostgreSQL type is written and read, as in the driver. */
// deno-lint-ignore no-explicit-any -- the driver infers a type's value from it
export interface PostgresType<Value = any> {
  /** The type a value is sent as. */
  readonly to: number;
  /** The types that are read with `parse`. */
  readonly from: number[];
  /** Makes of a value what is sent. */
  serialize(value: Value): unknown;
  /** Makes a value of what was received. */
  // deno-lint-ignore no-explicit-any -- usually a string; as in the driver
  parse(raw: any): Value;
}

/** The custom types of a pool, by the name they get on `pool.types`. */
export type PostgresTypes = Readonly<Record<string, PostgresType>>;

/** Start-up parameters of a session: settings such as `statement_timeout`. */
export type StartupParameters = Readonly<
  Record<string, string | number | boolean | undefined>
>;

/** Hooks that rename columns and convert values, as in the driver. */
export interface DriverTransform {
  /** What a value that is `undefined` is sent as. */
  readonly undefined?: unknown;
  /** Renames columns. */
  readonly column?: unknown;
  /** Converts values. */
  readonly value?: unknown;
  /** Converts rows. */
  readonly row?: unknown;
}

/** Called with every statement sent: connection, text, parameters, their types. */
export type DebugHook = (
  connection: number,
  query: string,
  // deno-lint-ignore no-explicit-any -- as in the driver
  parameters: any[],
  // deno-lint-ignore no-explicit-any -- as in the driver
  parameterTypes: any[],
) => void;

/** Called with every notice a server sends. */
export type NoticeHook = (notice: { [field: string]: string }) => void;

/** Called when a server reports one of its settings. */
// deno-lint-ignore no-explicit-any -- as in the driver
export type ParameterHook = (key: string, value: any) => void;

/** What the driver takes about a connection, under its names. */
export interface DriverOptions<
  // deno-lint-ignore ban-types -- as in the driver: no custom types
  Types extends PostgresTypes = {},
> {
  /**
   * Custom types, by name.
   *
   * @default {{}}
   */
  readonly types?: Types | undefined;
  /** Renames columns and converts values on their way. */
  readonly transform?: DriverTransform | undefined;
  /**
   * Start-up parameters of every session. Environment: `PGAPPNAME` for
   * `application_name`, `PGOPTIONS` for `options`.
   *
   * @default {{ application_name: "tidepool" }}
   */
  readonly connection?: StartupParameters | undefined;
  /**
   * Whether statements are prepared and kept on the server: it saves planning,
   * but not every pooler in between can do it.
   *
   * @default {true}
   */
  readonly prepare?: boolean | undefined;
  /**
   * Called with every statement, or `true` to put the statement in errors.
   *
   * @default {false}
   */
  readonly debug?: boolean | DebugHook | undefined;
  /**
   * Whether array types are looked up in the catalogue, once per pool.
   *
   * @default {true}
   */
  readonly fetch_types?: boolean | undefined;
  /** Called with every notice of a server. */
  readonly onnotice?: NoticeHook | undefined;
  /** Called when a server reports one of its settings. */
  readonly onparameter?: ParameterHook | undefined;

  /** The driver's name of `idleTimeoutMs`, in seconds; 0 or `null`: never. */
  readonly idle_timeout?: number | null | undefined;
  /**
   * The driver's old name of `idle_timeout`.
   *
   * @deprecated Use `idleTimeoutMs`.
   */
  readonly timeout?: number | null | undefined;
  /**
   * The driver's name of `maxLifetimeMs`, in seconds; 0 or `null`: never. A
   * function is called once, when the pool is created.
   */
  readonly max_lifetime?: number | (() => number | null) | null | undefined;
  /** The driver's name of `connectTimeoutMs`, in seconds; 0 or `null`: never. */
  readonly connect_timeout?: number | null | undefined;
  /**
   * How long a socket is quiet before TCP asks whether the other end is still
   * there, in seconds; 0 or `null`: never.
   *
   * @default {60}
   */
  readonly keep_alive?: number | null | undefined;
  /** The driver's name of `pipeline`. */
  readonly max_pipeline?: number | undefined;
  /** Accepted and ignored: the pool paces its dials itself. */
  readonly backoff?:
    | boolean
    | number
    | ((attempt: number) => number)
    | null
    | undefined;
  /**
   * The driver's old name of the opposite of `prepare`.
   *
   * @deprecated Use `prepare`.
   */
  readonly no_prepare?: boolean | undefined;
}

/** What the driver is told about every connection. */
export interface ResolvedDriverOptions {
  /** Custom types, by name. */
  readonly types: PostgresTypes;
  /** Renames columns and converts values. */
  readonly transform: DriverTransform;
  /** Start-up parameters, as text: the driver would drop `false` and 0. */
  readonly connection: Readonly<Record<string, string>>;
  /** Whether statements are prepared and kept. */
  readonly prepare: boolean;
  /** Called with every statement, or whether it is put in errors. */
  readonly debug: boolean | DebugHook;
  /** Whether array types are looked up. */
  readonly fetchTypes: boolean;
  /** Called with every notice. */
  readonly onnotice: NoticeHook | undefined;
  /** Called when a server reports a setting. */
  readonly onparameter: ParameterHook | undefined;
}

/** Fills in what the driver is to be told; keeps no object of `given`. */
export function resolveDriverOptions(
  given: DriverOptions<PostgresTypes>,
): ResolvedDriverOptions {
  return Object.freeze({
    types: Object.freeze({ ...given.types }),
    transform: Object.freeze({ undefined: undefined, ...given.transform }),
    connection: Object.freeze(asText(given.connection ?? {})),
    prepare: given.prepare ?? true,
    debug: given.debug ?? false,
    fetchTypes: given.fetch_types ?? true,
    onnotice: given.onnotice,
    onparameter: given.onparameter,
  });
}

function asText(parameters: StartupParameters): Record<string, string> {
  const given = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, String(value)]);
  return { application_name: "tidepool", ...Object.fromEntries(given) };
}
