/** What a caller of the soak does with the pool, and how often. */
import { type Pool, PoolError } from "../../mod.ts";

/** What a turn has to do with. */
export interface TurnWorld {
  readonly pool: Pool;
  /** Lives as long as the pool. */
  readonly signal: AbortSignal;
}

type Turn = (world: TurnWorld, number: number) => Promise<unknown>;

/** Takes the turn of a number: mostly a lease that runs nothing. */
export function takeTurn(world: TurnWorld, number: number): Promise<unknown> {
  const [, turn] = RARE.find(([every]) => number % every === 0) ??
    [1, leaseAlone];
  return turn(world, number);
}

/** Leases what is idle, if there is something; answers whether there was. */
export async function tryTurn({ pool }: TurnWorld): Promise<boolean> {
  await using lease = pool.tryAcquire();
  return lease !== undefined;
}

// Every so many turns, the rarest first. All are primes, so that each turn has
// its numbers, and their order is long in repeating.
const RARE: readonly (readonly [every: number, turn: Turn])[] = [
  [9_973, giveUpQuery],
  [4_999, destroyIdle],
  [3_989, destroyInTransaction],
  [1_999, leaveTransactionOpen],
  [997, readInPart],
  [499, rollBack],
  [491, commit],
  [251, failStatement],
  [241, failOneShot],
  [73, runOneShot],
  [71, runOneShotWithLimits],
  [67, runOnLease],
  [31, giveUp],
  [29, useForAWhile],
  [11, tryTurn],
];

async function leaseAlone({ pool, signal }: TurnWorld): Promise<void> {
  await using _lease = await pool.acquire({ signal });
}

async function useForAWhile({ pool, signal }: TurnWorld): Promise<void> {
  await pool.use(() => Promise.resolve(), { signal, timeoutMs: 60_000 });
}

async function giveUp({ pool }: TurnWorld, number: number): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const acquired = pool.acquire({ signal }).then(
    (lease) => lease.release(),
    (error) => expect(error === "gone", error),
  );
  // The others keep theirs to the end, unused.
  if (number % 2 === 0) controller.abort("gone");
  await acquired;
}

async function runOnLease(world: TurnWorld, number: number): Promise<void> {
  await using lease = await world.pool.acquire({ signal: world.signal });
  lease.signal.addEventListener("abort", () => {}, { once: true });
  const [row] = await lease`select ${number}::int as n`;
  expect(row?.n === number && !lease.signal.aborted, row);
}

async function runOneShot({ pool }: TurnWorld, number: number): Promise<void> {
  const [row] = await pool`select ${number}::int as n`;
  expect(row?.n === number, row);
}

async function runOneShotWithLimits(
  { pool, signal }: TurnWorld,
  number: number,
): Promise<void> {
  const limited = pool.with({ signal, timeoutMs: 60_000 });
  const [row] = await limited`select ${number}::int as n`;
  expect(row?.n === number, row);
}

async function failOneShot({ pool }: TurnWorld): Promise<void> {
  await expectDivision(pool`select 1 / 0`);
}

async function failStatement({ pool, signal }: TurnWorld): Promise<void> {
  await using lease = await pool.acquire({ signal });
  await expectDivision(lease`select 1 / 0`);
}

async function commit({ pool, signal }: TurnWorld): Promise<void> {
  await using tx = await pool.begin({ signal });
  await tx`select 1`;
  await tx.savepoint((inner) => inner`select 2`);
  await tx.commit();
}

async function rollBack({ pool }: TurnWorld): Promise<void> {
  await expectDivision(pool.transaction((tx) => tx`select 1 / 0`));
}

async function leaveTransactionOpen(world: TurnWorld): Promise<void> {
  await using lease = await world.pool.acquire({ signal: world.signal });
  await lease`begin`;
}

async function readInPart({ pool, signal }: TurnWorld): Promise<void> {
  await using lease = await pool.acquire({ signal });
  const rows = lease`select n from generate_series(1, 100) n`.cursor(10);
  for await (const part of rows) {
    expect(part.length === 10, part);
    break;
  }
}

async function destroyIdle({ pool, signal }: TurnWorld): Promise<void> {
  const lease = await pool.acquire({ signal });
  lease.destroy();
}

async function destroyInTransaction({ pool }: TurnWorld): Promise<void> {
  const lease = await pool.acquire();
  const tx = await lease.begin();
  await tx`select 1`;
  lease.destroy();
}

async function giveUpQuery({ pool }: TurnWorld): Promise<void> {
  const sleep = pool.with({ timeoutMs: 5 })`select pg_sleep(60)`;
  await sleep.then(
    () => expect(false, "it slept for 5 ms"),
    (error) => expect(error instanceof PoolError, error),
  );
}

async function expectDivision(query: PromiseLike<unknown>): Promise<void> {
  await query.then(
    () => expect(false, "1 / 0 was divided"),
    (error) => expect(error.code === "22012", error),
  );
}

function expect(isSo: boolean, otherwise: unknown): void {
  if (!isSo) throw new Error("A turn of the soak failed", { cause: otherwise });
}
