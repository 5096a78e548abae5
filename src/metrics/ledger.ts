/**
 * The ledger: where every record of an operator went. For each kind of operator an equation says that nothing is
 * missing.
 */

/** Counts of rows since the operator was opened or restored. */
export interface LedgerEntry {
  in: number;
  out: number;
  /** Left out because a condition was not true. */
  filtered: number;
  late: number;
  deadLettered: number;
  /** Rows made beyond one for each row in. */
  expanded: number;
  /** Rows still in state. */
  held: number;
}

export const emptyLedger = (): LedgerEntry => ({
  in: 0,
  out: 0,
  filtered: 0,
  late: 0,
  deadLettered: 0,
  expanded: 0,
  held: 0,
});

/** Rows that are unaccounted for: 0 when the ledger of an operator of this kind balances. */
export type LedgerEquation = (entry: LedgerEntry) => number;

export const filterEquation: LedgerEquation = (entry) => entry.in - entry.out - entry.filtered - entry.deadLettered;

export const projectEquation: LedgerEquation = (entry) => entry.in - entry.out - entry.deadLettered;
