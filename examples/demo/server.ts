/**
 * The bank's HTTP server, as anybody would write it: what is worth a look in
 * this folder.
 */
import { type Pool, PoolError, PostgresError } from "@tidepool/postgres";
import { OPENING_BALANCE } from "./bank.ts";

type Handler = (pool: Pool, request: Request, id: number) => Promise<Response>;

const ROUTES: readonly [method: string, path: RegExp, handler: Handler][] = [
  ["GET", /^\/accounts\/(\d{1,9})$/, readAccount],
  ["GET", /^\/accounts\/(\d{1,9})\/statement$/, readStatement],
  ["GET", /^\/total$/, readTotal],
  ["POST", /^\/transfers$/, makeTransfer],
];

/** SQLSTATEs of a transfer that cannot be made. */
const REFUSALS = new Map([
  ["22003", "a number is too large"],
  ["23503", "there is no such account"],
  ["23505", "the transfer was made before"],
  ["23514", "the balance would be negative"],
]);

/** Serves the bank on a free port of 127.0.0.1; disposing it waits for requests under way. */
export function serveBank(pool: Pool): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(pool, request),
  );
}

async function answer(pool: Pool, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  try {
    for (const [method, path, handler] of ROUTES) {
      const match = request.method === method && path.exec(pathname);
      if (match) return await handler(pool, request, Number(match[1]));
    }
    return refuse(404, "NOT_FOUND");
  } catch (error) {
    return answerError(error, request);
  }
}

/** A one-shot: it stops on the server too when whoever asked hangs up. */
async function readAccount(
  pool: Pool,
  { signal }: Request,
  id: number,
): Promise<Response> {
  const [account] = await pool.with({ signal })`
    select id, balance from accounts where id = ${id}`;
  return account ? Response.json(account) : refuse(404, "NO_SUCH_ACCOUNT");
}

/** The same, with a query that takes a while. */
async function readTotal(pool: Pool, { signal }: Request): Promise<Response> {
  const [row] = await pool.with({ signal, timeoutMs: 5_000 })`
    select sum(balance)::float8 as total from accounts`;
  return Response.json(row);
}

/** A lease: two reads of one moment; the scope rolls back and returns the connection. */
async function readStatement(
  pool: Pool,
  { signal }: Request,
  id: number,
): Promise<Response> {
  await using connection = await pool.acquire({ signal });
  await connection`begin isolation level repeatable read read only`;
  const [account] = await connection<{ balance: number }[]>`
    select balance from accounts where id = ${id}`;
  const entries = await connection<{ amount: number }[]>`
    select amount from entries where account_id = ${id}`;
  if (!account) return refuse(404, "NO_SUCH_ACCOUNT");
  const booked = entries.reduce((sum, { amount }) => sum + amount, 0);
  const { balance } = account;
  return Response.json({ balance, expected: OPENING_BALANCE + booked });
}

/** A transaction: all of it or nothing, again when it met another. */
async function makeTransfer(pool: Pool, request: Request): Promise<Response> {
  const transfer = readTransfer(await request.json());
  if (transfer === undefined) return refuse(400, "BAD_TRANSFER");
  const { id, from, to, amount } = transfer;
  let attempts = 0;
  await pool.transaction(async (tx) => {
    attempts++;
    await tx`update accounts set balance = balance - ${amount} where id = ${from}`;
    await tx`update accounts set balance = balance + ${amount} where id = ${to}`;
    await tx`insert into entries (account_id, transfer_id, amount)
      values (${from}, ${id}, ${-amount}), (${to}, ${id}, ${amount})`;
  }, { isolation: "repeatable read", retries: 10, signal: request.signal });
  return Response.json({ id, attempts }, { status: 201 });
}

interface Transfer {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

function readTransfer(body: Partial<Transfer> | null): Transfer | undefined {
  const { id = NaN, from = NaN, to = NaN, amount = NaN } = body ?? {};
  const isSound = [id, from, to, amount].every(Number.isSafeInteger) &&
    amount > 0 && from !== to;
  return isSound ? { id, from, to, amount } : undefined;
}

/** Errors by their stable codes; nobody reads the answer to a request that was aborted. */
function answerError(error: unknown, { signal }: Request): Response {
  if (signal.aborted) return refuse(499, "ABORTED");
  if (error instanceof PoolError) return refuse(503, error.code);
  if (error instanceof SyntaxError) return refuse(400, "BAD_JSON");
  if (!(error instanceof PostgresError)) return refuse(500, String(error));
  const reason = REFUSALS.get(error.code);
  return refuse(reason === undefined ? 500 : 409, error.code, reason);
}

function refuse(status: number, code: string, reason?: string): Response {
  return Response.json({ code, reason }, { status });
}
