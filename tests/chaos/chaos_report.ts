/** How a run of chaos went. */
import type { Entry, Journal } from "./journal.ts";
import { type Kill, KILLS } from "./killer.ts";
import type { Witness } from "./witness.ts";

/** What the books say. */
export interface Books {
  readonly statements: number;
  /** Operations that ended with an error that a kill explains. */
  readonly failures: number;
  /** Answers to another question, errors that no kill explains, answers to what never ran. */
  readonly wrongResults: number;
  readonly ranTwice: number;
  /** Statements that ran in another session than their lease's. */
  readonly ranElsewhere: number;
  readonly moneyLost: number;
  /** What is wrong, in words; the first few. */
  readonly notes: readonly string[];
}

/** How a run went. */
export interface ChaosReport extends Books {
  /** How many connections were hit, by how. */
  readonly kills: Readonly<Record<Kill, number>>;
  /** How many connections the pool lost. */
  readonly lost: number;
  /** Operations that never ended. */
  readonly hung: number;
  readonly unhandled: readonly string[];
  readonly recoveryMs: number;
}

/** Compares what callers were told with what the server did. */
export async function compare(
  witness: Witness,
  journal: Journal,
): Promise<Books> {
  const entries = await journal.entries();
  const runs = new Set<string>();
  const notes = [...witness.wrong];
  let ranTwice = 0;
  for (const { id } of entries) {
    if (runs.has(id)) {
      ranTwice++;
      notes.push(`${id} ran twice`);
    }
    runs.add(id);
  }
  const strays = entries.filter((entry) => isStray(entry, witness));
  const ghosts = [...witness.answered.keys()].filter((id) => !runs.has(id));
  notes.push(...strays.map(({ id, pid }) => `${id} ran in session ${pid}`));
  notes.push(...ghosts.map((id) => `${id} was answered and never ran`));
  return {
    statements: witness.statements,
    failures: witness.failures,
    wrongResults: witness.wrongResults + ghosts.length,
    ranTwice,
    ranElsewhere: strays.length,
    moneyLost: await journal.moneyLost(witness.transfers),
    notes: notes.slice(0, 20),
  };
}

/** Whether a statement of a lease ran in another session than the lease's. */
function isStray({ lease, pid }: Entry, witness: Witness): boolean {
  return lease !== "-" && witness.leases.get(lease) !== pid;
}

/** The columns that must be zero. */
export function badColumns(report: ChaosReport): Record<string, number> {
  return {
    "wrong results": report.wrongResults,
    "statements run twice": report.ranTwice,
    "statements run on another session": report.ranElsewhere,
    "money lost": report.moneyLost,
    "unhandled events": report.unhandled.length,
    "hung promises": report.hung,
  };
}

/** Whether nothing was wrong. */
export function isClean(report: ChaosReport): boolean {
  return Object.values(badColumns(report)).every((count) => count === 0);
}

/** A table to print. */
export function table(report: ChaosReport): string {
  const { kills, lost, statements, failures, recoveryMs } = report;
  const rows: [string, string | number][] = [
    ...KILLS.map((kill): [string, number] => [
      `connections hit: ${kill}`,
      kills[kill],
    ]),
    ["connections lost", lost],
    ["statements", statements],
    ["operations failed by a kill", failures],
    ...Object.entries(badColumns(report)),
    ["recovered after the last kill, ms", Math.round(recoveryMs)],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows
    .map(([label, value]) => `${label.padEnd(width)}  ${value}`)
    .concat(report.notes, report.unhandled)
    .join("\n");
}
