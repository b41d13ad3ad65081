/**
 * Opens connections, from a password to a session that runs statements.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import { connectError } from "../transport/connect_failure.ts";
import {
  type Attempt,
  isAcceptable,
  type SessionRequirement,
} from "../transport/hosts.ts";
import type { Endpoint, TlsPlan, Transport } from "../transport/transport.ts";
import type { Connection, DialOptions, Driver } from "./connection.ts";
import type { ClientOptions, DriverClient } from "./driver_client.ts";
import { Session } from "./session.ts";
import { startError, startLoss } from "./start_failure.ts";
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
  createClient(options: ClientOptions): DriverClient;
}

/** One dial, as it goes on. */
interface Dial extends Attempt {
  readonly password: string;
  readonly signal: AbortSignal;
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
    const planned = this.#options.plan[attempt]!;
    const asked = this.#password(planned.endpoint);
    const password = await abortable(asked, signal);
    return await this.#open({ ...planned, password, signal });
  }

  async #open(dial: Dial): Promise<Session> {
    const { endpoint, requires, signal } = dial;
    const session = this.#createSession(dial);
    let isReady = false;
    try {
      await abortable(session.start(signal), signal);
      this.#types.settle(session, true);
      await abortable(meet(session, requires, endpoint), signal);
      if (session.loss !== undefined) {
        throw startLoss(endpoint, session.loss.cause);
      }
      isReady = true;
      return session;
    } catch (cause) {
      throw cause === signal.reason ? cause : startError(endpoint, cause);
    } finally {
      if (!isReady) session.destroy();
      this.#types.settle(session, false);
    }
  }

  #createSession({ endpoint, requires, password }: Dial): Session {
    const { transport, tls, keepAliveMs, holdProcess } = this.#options;
    const fetchTypes = () => !this.#types.isKnown;
    const session: Session = new Session({
      mayLookUp: () => this.#types.claim(session),
      createClient: (socket, session) =>
        this.#options.createClient({ socket, session, password, fetchTypes }),
      target: { transport, endpoint, options: { tls, keepAliveMs } },
      mustWrite: requires === "read-write" || requires === "primary",
      holdProcess,
    });
    return session;
  }

  /** The password now; asked for before the dial, so that its failure is ours to tell. */
  async #password(endpoint: Endpoint): Promise<string> {
    const { password } = this.#options;
    if (typeof password === "string") return password;
    let answer: unknown;
    try {
      answer = await password();
    } catch (cause) {
      const why = "the password function failed";
      throw connectError("auth", why, endpoint, { cause });
    }
    // The driver ends the process over one that is none.
    if (typeof answer === "string") return answer;
    const why = `the password function answered ${typeof answer}, not a string`;
    throw connectError("auth", why, endpoint);
  }
}

/** Checks that a session is what `target_session_attrs` asks for. */
async function meet(
  session: Session,
  requires: SessionRequirement,
  endpoint: Endpoint,
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
  throw connectError("starting", `its session is not ${requires}`, endpoint);
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
