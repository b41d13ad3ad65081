/** Whether the run proves what the demo claims. */
import type { PoolStats } from "@tidepool/postgres";
import type { Books } from "./bank.ts";
import type { Outage } from "./outage.ts";
import type { Tally } from "./tally.ts";

/** The only errors that a request may end with. */
export const EXPECTED_ERRORS: ReadonlyMap<string, string> = new Map([
  ["aborted", "the client gave up"],
  ["503 CONNECTION_LOST", "its backend was terminated"],
]);

/** What was measured in one run. */
export interface Facts {
  readonly clients: number;
  readonly elapsedMs: number;
  /** Requests that ended in each quarter of a second. */
  readonly slices: readonly number[];
  readonly tally: Pick<
    Tally,
    "requests" | "answered" | "errors" | "confirmed" | "retries"
  >;
  readonly outage: Outage;
  /** All money, before the first request. */
  readonly totalBefore: number;
  /** The books after the last one. */
  readonly books: Books;
  /** The pool after the last request, before it was closed. */
  readonly stats: PoolStats;
  /** What the server shows of the pool after it was closed. */
  readonly sessionsLeft: number;
}

/** One claim, whether it holds, and the figures. */
export interface Check {
  readonly claim: string;
  readonly holds: boolean;
  readonly evidence: string;
}

/** Judges a run; it succeeded when every check holds. */
export function judge(facts: Facts): readonly Check[] {
  return [
    checkMoney(facts),
    checkBalances(facts),
    checkTransfers(facts),
    checkErrors(facts),
    checkPool(facts),
    checkSessions(facts),
  ];
}

function checkMoney({ totalBefore, books: { total } }: Facts): Check {
  return {
    claim: "No money was lost",
    holds: total === totalBefore,
    evidence: `${show(totalBefore)} before, ${show(total)} after`,
  };
}

function checkBalances({ books: { accounts, wrongAccounts } }: Facts): Check {
  const right = show(accounts - wrongAccounts);
  return {
    claim: "Every balance is right",
    holds: accounts > 0 && wrongAccounts === 0,
    evidence: `${right} of ${show(accounts)} are what their entries add up to`,
  };
}

/** More may be booked than was confirmed: the client hung up, or its COMMIT was cut off. */
function checkTransfers({ tally, books: { booked, missing } }: Facts): Check {
  const confirmed = tally.confirmed.length;
  return {
    claim: "No transfer was lost",
    holds: missing === 0 && confirmed > 0,
    evidence: `${show(confirmed)} confirmed, ` +
      (missing === 0
        ? `all among the ${show(booked)} booked`
        : `${show(missing)} of them not booked`),
  };
}

function checkErrors({ tally, outage }: Facts): Check {
  const others = Object.entries(tally.errors).filter(([kind]) =>
    !EXPECTED_ERRORS.has(kind) || kind !== "aborted" && outage.terminated === 0
  );
  const count = others.reduce((sum, [, count]) => sum + count, 0);
  return {
    claim: "No other error",
    holds: count === 0,
    evidence: others.length === 0
      ? "none but aborted requests and lost connections"
      : others.map(([kind, count]) => `${show(count)} × ${kind}`).join(", "),
  };
}

function checkPool({ stats, outage }: Facts): Check {
  const { max, idle, total, waiting } = stats;
  const { terminated, recoveredMs } = outage;
  const isWhole = idle === max && total === max && waiting === 0;
  const wasHurt = terminated > 0 && terminated === Math.floor(max / 2);
  return {
    claim: "The pool is whole again",
    holds: isWhole && wasHurt && recoveredMs !== undefined,
    evidence: `${idle} of ${max} open and idle, ${waiting} callers waiting, ` +
      `after ${terminated} were cut`,
  };
}

function checkSessions({ sessionsLeft }: Facts): Check {
  return {
    claim: "close() left no session",
    holds: sessionsLeft === 0,
    evidence: `the server shows ${sessionsLeft}`,
  };
}

/** A number for people. */
export function show(value: number): string {
  return value.toLocaleString("en-US");
}
