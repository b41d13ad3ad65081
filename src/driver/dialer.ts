/**
 * Opens connections, from a password to a session that runs statements.
 *
 * @module
 */

import { ConnectError } from "../pool_errors.ts";
import {
  type Attempt,
  describeEndpoint,
  isAcceptable,
  type SessionRequirement,
} from "../transport/hosts.ts";
import type { TlsPlan, Transport } from "../transport/transport.ts";
import type { Connection, DialOptions, Driver } from "./connection.ts";
import type { DriverSocket } from "./driver_socket.ts";
import type { DriverClient } from "./driver_client.ts";
import { Session } from "./session.ts";
import { TypeMap } from "./type_map.ts";

/** What every dial of a pool shares. */
export interface DialerOptions {
  readonly transport: Transport;
  /** Whom to dial, in order. */
  readonly plan: readonly Attempt[];
  readonly tls: TlsPlan;
  readonly keepAliveMs: number;
  readonly password: string | (() => string | Promise<string>);
  readonly fetchTypes: boolean;
  readonly holdProcess: boolean;
  /** Makes the driver's client of one connection. */
  createClient(
    options: {
      readonly socket: Promise<DriverSocket>;
      readonly session: Session;
      readonly password: string;
      readonly fetchTypes: boolean;
    },
  ): DriverClient;
}

/** Dials. */
export class Dialer implements Driver {
  readonly #options: DialerOptions;
  readonly #types: TypeMap;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#types = new TypeMap(options.fetchTypes);
  }

  get attempts(): number {
    return this.#options.plan.length;
  }

  async dial({ attempt, signal }: DialOptions): Promise<Connection> {
    const { endpoint, requires } = this.#options.plan[attempt]!;
    const where = describeEndpoint(endpoint);
    const password = await abortable(this.#password(where), signal);
    const isFetching = this.#types.claim();
    const session = this.#createSession(attempt, password, isFetching);
    try {
      await abortable(this.#start(session, attempt, signal), signal);
      if (isFetching) this.#types.settle();
      else await abortable(this.#types.ready(), signal);
      await abortable(meet(session, requires, where), signal);
      return session;
    } catch (cause) {
      session.destroy();
      const error = asConnectError(cause, where, signal);
      if (isFetching) this.#types.settle(error);
      throw error;
    }
  }

  #createSession(
    attempt: number,
    password: string,
    fetchTypes: boolean,
  ): Session {
    const { transport, plan, tls, keepAliveMs, holdProcess } = this.#options;
    const { endpoint } = plan[attempt]!;
    return new Session({
      createClient: (socket, session) =>
        this.#options.createClient({ socket, session, password, fetchTypes }),
      target: { transport, endpoint, options: { tls, keepAliveMs } },
      holdProcess,
    });
  }

  #start(
    session: Session,
    attempt: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { transport, plan, tls, keepAliveMs } = this.#options;
    const { endpoint } = plan[attempt]!;
    return session.start(() =>
      transport.connect(endpoint, { signal, tls, keepAliveMs })
    );
  }

  /** The password now; asked for before the dial, so that its failure is ours to tell. */
  async #password(where: string): Promise<string> {
    const { password } = this.#options;
    if (typeof password === "string") return password;
    try {
      return await password();
    } catch (cause) {
      throw new ConnectError(
        "auth",
        `Cannot connect to ${where}: the password function failed`,
        { cause },
      );
    }
  }
}

/** Checks that a session is what `target_session_attrs` asks for. */
async function meet(
  session: Session,
  requires: SessionRequirement,
  where: string,
): Promise<void> {
  if (requires === "any") return;
  const facts = {
    inHotStandby: await isOn(
      session,
      "in_hot_standby",
      "select pg_is_in_recovery()",
    ),
    defaultTransactionReadOnly: await isOn(
      session,
      "default_transaction_read_only",
      "show transaction_read_only",
    ),
  };
  if (isAcceptable(requires, facts)) return;
  throw new ConnectError(
    "starting",
    `Cannot connect to ${where}: its session is not ${requires}`,
  );
}

/** Servers before version 14 do not report these; they are asked. */
async function isOn(
  session: Session,
  parameter: string,
  query: string,
): Promise<boolean> {
  const reported = session.wire.parameters.get(parameter);
  if (reported !== undefined) return reported === "on";
  const rows = await session.command(query) as Record<string, unknown>[];
  const value = Object.values(rows[0] ?? {})[0];
  return value === "on" || value === true;
}

/** Settles as `promise` does, or rejects with the reason of `signal`, whichever is first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() =>
      signal.removeEventListener("abort", onAbort)
    );
  });
}

function asConnectError(
  cause: unknown,
  where: string,
  signal: AbortSignal,
): unknown {
  if (cause instanceof ConnectError || cause === signal.reason) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ConnectError(
    "protocol",
    `Cannot connect to ${where}: ${message}`,
    { cause },
  );
}
