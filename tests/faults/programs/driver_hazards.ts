/**
 * A program that meets what ends a process that uses the driver alone. It is
 * named by its last argument, and prints "recovered" when the pool lived on.
 */
import {
  ConnectError,
  ConnectionLostError,
  createPool,
  type Pool,
  type PooledConnection,
} from "../../../mod.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault_proxy.ts";

const [url = "", applicationName = "", hazard = ""] = Deno.args;
const { hostname: host, port } = new URL(url);
const connection = { application_name: applicationName };
const FAULT = new Error("The password's own fault");

/** Ends the session that a lease holds. */
type Killing = (
  lease: PooledConnection,
  admin: Pool,
  proxy: FaultProxy,
) => Promise<unknown>;

const KILLINGS: Readonly<Record<string, Killing>> = {
  kill: async (lease, admin) =>
    await admin`select pg_terminate_backend(${lease.pid})`,
  "FIN": (_lease, _admin, proxy) => {
    const fault = proxy.add({ kind: "limit_data", bytes: 0 });
    return fault.remove();
  },
  "RST": (_lease, _admin, proxy) => proxy.add({ kind: "reset_peer" }).remove(),
  "25P03": async (lease) => {
    await lease`set idle_in_transaction_session_timeout = 20`;
    await lease`begin`;
  },
  "57P05": async (lease) => await lease`set idle_session_timeout = 20`,
  async "RST in flight"(lease, _admin, proxy) {
    const sent = proxy.requested("pg_sleep");
    // The server sees the end of a connection only when it has something to say.
    const query = lost(lease`select pg_sleep(0.5)`);
    await sent;
    await proxy.add({ kind: "reset_peer" }).remove();
    await query;
  },
};

/** H1: the session of a lease dies, then the lease is used, released, and another taken. */
async function meetDeadLease(killing: Killing): Promise<void> {
  await using proxy = await startFaultProxy({ host, port: Number(port) });
  await using admin = createPool(url, { max: 1, connection });
  await using pool = createPool(proxy.urlOf(url), { max: 1, connection });
  const lease = await pool.acquire();
  await lease`select 1`;
  const ended = new Promise((resolve) =>
    lease.signal.addEventListener("abort", resolve)
  );
  await killing(lease, admin, proxy);
  await ended;
  await lost(lease`select 1`);
  await lost(lease.unsafe("select 1"));
  await lost(lease.begin());
  await lost(lease`select 1`.cursor(1)[Symbol.asyncIterator]().next());
  await lease.release();
  await works(pool);
}

/** H12: the function that is asked for the password fails; its error is the caller's. */
async function meetPassword(
  password: () => Promise<string>,
  kind: "auth" | "timeout" = "auth",
  fault?: Error,
): Promise<void> {
  const limits = { connectTimeoutMs: 100, acquireTimeoutMs: 300 };
  await using pool = createPool(url, { connection, password, ...limits });
  const error = await pool.acquire().then(() => undefined, (error) => error);
  const cause = error instanceof ConnectError ? error : error?.cause;
  if (!(cause instanceof ConnectError)) throw error;
  if (cause.kind !== kind) throw cause;
  if (fault !== undefined && cause.cause !== fault) throw cause;
}

const HAZARDS: Readonly<Record<string, () => Promise<void>>> = {
  ...Object.fromEntries(
    Object.entries(KILLINGS).map((
      [name, killing],
    ) => [`H1 ${name}`, () => meetDeadLease(killing)]),
  ),
  "H12 rejects": () => meetPassword(() => Promise.reject(FAULT), "auth", FAULT),
  "H12 rejects later": () =>
    meetPassword(
      async () => {
        await undefined;
        throw FAULT;
      },
      "auth",
      FAULT,
    ),
  "H12 answers no string": () =>
    meetPassword(() => Promise.resolve(42 as unknown as string)),
  "H12 never settles": () =>
    meetPassword(() => new Promise(() => {}), "timeout"),
};

async function lost(promise: PromiseLike<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ConnectionLostError) return;
    throw error;
  }
  throw new Error("It was not lost");
}

async function works(pool: Pool): Promise<void> {
  const [row] = await pool`select 1 as one`;
  if (row?.one !== 1) throw new Error("The pool does not work any more");
}

const chosen = Object.entries(HAZARDS).filter(([name]) =>
  name.split(" ")[0] === hazard
);
for (const [, meet] of chosen) await meet();
console.log(`recovered from ${chosen.length}`);
