/**
 * Where to connect, as whom, and how safely.
 *
 * @module
 */

import { type Environment, firstVariable, isWithheld } from "./environment.ts";
import { refusal } from "./option_check.ts";
import type { SslMode } from "./tls_options.ts";
import type { TargetSessionAttrs } from "../transport/hosts.ts";

/** The words for `target_session_attrs`. */
export const TARGET_SESSION_ATTRS: readonly string[] = [
  "any",
  "read-write",
  "read-only",
  "primary",
  "standby",
  "prefer-standby",
];

/** A password, or what gets one: asked at every dial. */
export type Password = string | (() => string | Promise<string>);

/**
 * Where to connect, under the driver's names.
 *
 * What is not given is taken from the URL, then from the environment.
 */
export interface ConnectionOptions {
  /**
   * Host names or addresses, tried in order; also as one string separated by
   * commas, each with or without a port. One that starts with `/` is the folder
   * of a Unix socket. Environment: `PGHOST`.
   *
   * @default {"localhost"}
   */
  readonly host?: string | readonly string[] | undefined;
  /** Another name of `host`. */
  readonly hostname?: string | readonly string[] | undefined;
  /**
   * The port of every host, or one for each. Environment: `PGPORT`.
   *
   * @default {5432}
   */
  readonly port?: number | readonly number[] | undefined;
  /** The full path of a Unix socket, instead of a host. */
  readonly path?: string | undefined;
  /** The database; by default named as the user. Environment: `PGDATABASE`. */
  readonly database?: string | undefined;
  /** Another name of `database`. */
  readonly db?: string | undefined;
  /**
   * The user; by default the one who runs the process. Environment: `PGUSER`,
   * `PGUSERNAME`, then `USER`, `LOGNAME`, `USERNAME`.
   */
  readonly username?: string | undefined;
  /** Another name of `username`. */
  readonly user?: string | undefined;
  /**
   * The password, or a function that gets one; the function is called at every
   * dial, so that short-lived tokens work. Environment: `PGPASSWORD`.
   *
   * @default {""}
   */
  readonly password?: Password | undefined;
  /** Another name of `password`. */
  readonly pass?: Password | undefined;
  /**
   * How strictly the server is identified. As in the driver, `true` verifies
   * its certificate and name, and `"require"` encrypts without verifying;
   * `"allow"` is taken as `"prefer"`. An object holds options of the runtime's
   * TLS, such as `ca`, `cert` and `key`, and verifies unless its
   * `rejectUnauthorized` is `false`. Environment: `PGSSLMODE`.
   *
   * @default {false}
   */
  readonly ssl?: SslMode | boolean | object | null | undefined;
  /**
   * Whether TLS starts at once (`"direct"`, PostgreSQL 17) or after asking,
   * which every server understands. Environment: `PGSSLNEGOTIATION`.
   *
   * @default {"postgres"}
   */
  readonly sslnegotiation?: "postgres" | "direct" | null | undefined;
  /**
   * Which kind of server to look for among the hosts; `"any"` takes the first
   * that answers. Environment: `PGTARGETSESSIONATTRS`.
   *
   * @default {"any"}
   */
  readonly target_session_attrs?: TargetSessionAttrs | "any" | null | undefined;
}

/** The variables that stand for options, as in libpq; the first that is set counts. */
export const OPTION_VARIABLES: readonly (readonly [
  option: keyof ConnectionOptions | "connect_timeout",
  ...variables: string[],
])[] = [
  ["host", "PGHOST"],
  ["port", "PGPORT"],
  ["database", "PGDATABASE"],
  ["username", "PGUSER", "PGUSERNAME"],
  ["password", "PGPASSWORD"],
  ["ssl", "PGSSLMODE"],
  ["sslnegotiation", "PGSSLNEGOTIATION"],
  ["target_session_attrs", "PGTARGETSESSIONATTRS"],
  ["connect_timeout", "PGCONNECT_TIMEOUT"],
];

const OWN_NAME = ["USER", "LOGNAME", "USERNAME"];

/**
 * The user of the process, for when no name was given.
 *
 * @throws {TypeError} If the environment does not tell.
 */
export function defaultUsername(environment: Environment): string {
  const found = firstVariable(environment, OWN_NAME);
  if (found !== undefined) return found.text;
  throw refusal(
    "create the pool",
    "no user name is given: pass username, put it in the URL, or set PGUSER" +
      (isWithheld("PGUSER") ? " and allow it with --allow-env=PG*" : ""),
  );
}
