/** The bank's clients: many at once, over real HTTP, some of them impatient. */
import { ACCOUNTS, OPENING_BALANCE } from "./bank.ts";
import { pause } from "./deadline.ts";
import type { Outcome, RequestKind, Tally } from "./tally.ts";

export const CLIENTS = 200;

const MEAN_PAUSE_MS = 75;
const IMPATIENT_SHARE = 0.04;
const PATIENCE_MS = 4;
const MAX_AMOUNT = 50;
const SHOPS = 100;

/** Keeps the bank busy until `signal` aborts; resolves once every request has ended. */
export async function runClients(
  origin: string,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  bypassProxy();
  using http = Deno.createHttpClient({ poolMaxIdlePerHost: CLIENTS });
  const clients = Array.from(
    { length: CLIENTS },
    (_, number) => new BankClient(number, origin, http, tally).run(signal),
  );
  await Promise.all(clients);
}

/** A proxy of the environment, which `fetch` would use, knows another 127.0.0.1. */
function bypassProxy(): void {
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const hosts = [Deno.env.get(name), "127.0.0.1"].filter(Boolean);
    Deno.env.set(name, hosts.join(","));
  }
}

/** One client: thinks, asks, thinks. */
class BankClient {
  readonly #number: number;
  readonly #origin: string;
  readonly #http: Deno.HttpClient;
  readonly #tally: Tally;
  #transfers = 0;

  constructor(
    number: number,
    origin: string,
    http: Deno.HttpClient,
    tally: Tally,
  ) {
    this.#number = number;
    this.#origin = origin;
    this.#http = http;
    this.#tally = tally;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (true) {
      await pause(2 * MEAN_PAUSE_MS * Math.random(), signal);
      if (signal.aborted) return;
      this.#tally.count(await this.#ask(chooseKind()));
    }
  }

  async #ask(kind: RequestKind): Promise<Outcome> {
    const patience = Math.random() < IMPATIENT_SHARE
      ? AbortSignal.timeout(1 + Math.floor(PATIENCE_MS * Math.random()))
      : undefined;
    try {
      const error = await this.#exchange(kind, patience);
      return error === undefined ? { kind } : { kind, error };
    } catch (error) {
      return { kind, error: patience?.aborted ? "aborted" : String(error) };
    }
  }

  /** Asks, and looks whether the answer is right; answers what is wrong with it. */
  async #exchange(
    kind: RequestKind,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { path, body } = this.#request(kind);
    const response = await fetch(this.#origin + path, {
      client: this.#http,
      signal: signal ?? null,
      method: body === undefined ? "GET" : "POST",
      body: body ?? null,
    });
    const answer = await response.json();
    if (!response.ok) return `${response.status} ${answer.code}`;
    if (kind === "transfer") {
      this.#tally.confirmed.push(answer.id);
      this.#tally.retries += answer.attempts - 1;
    }
    return isRight(kind, answer) ? undefined : `wrong ${kind}`;
  }

  #request(kind: RequestKind): { path: string; body?: string } {
    const account = randomInteger(1, ACCOUNTS);
    if (kind === "account") return { path: `/accounts/${account}` };
    if (kind === "statement") return { path: `/accounts/${account}/statement` };
    if (kind === "total") return { path: "/total" };
    const transfer = {
      id: this.#number + CLIENTS * ++this.#transfers,
      from: account,
      to: choosePayee(account),
      amount: randomInteger(1, MAX_AMOUNT),
    };
    return { path: "/transfers", body: JSON.stringify(transfer) };
  }
}

function chooseKind(): RequestKind {
  const dice = Math.random();
  if (dice < 0.4) return "transfer";
  if (dice < 0.8) return "account";
  return dice < 0.95 ? "statement" : "total";
}

/** Half of all payments go to a few accounts, so that transfers meet there. */
function choosePayee(payer: number): number {
  const last = Math.random() < 0.5 ? SHOPS : ACCOUNTS;
  const payee = randomInteger(1, last);
  return payee === payer ? payer % ACCOUNTS + 1 : payee;
}

/** Whether money is neither lost nor made at this very moment. */
function isRight(kind: RequestKind, answer: Record<string, unknown>): boolean {
  if (kind === "total") return answer["total"] === ACCOUNTS * OPENING_BALANCE;
  if (kind === "statement") return answer["balance"] === answer["expected"];
  return true;
}

function randomInteger(from: number, to: number): number {
  return from + Math.floor((to - from + 1) * Math.random());
}
