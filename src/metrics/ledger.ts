/**
 * The ledger: where every record went, counted where it happens. Each operator has one entry; each kind of operator has an
 * equation that holds whenever no call is in progress, and the engine checks all of them at every checkpoint.
 *
 *   in + expanded = out + filtered + late + future + deadLetters + released + held
 *
 * Not every kind uses every term: a filter has no `held`, a window aggregate counts its result rows apart (`results`),
 * because what comes out of it are not the records that went in.
 */
import { InternalError } from '../base/errors.ts';

export interface LedgerEntry {
  /** Records handed to the operator. */
  in: number;
  /** Records passed on. */
  out: number;
  /** Records dropped by a condition. */
  filtered: number;
  /** Records behind every window that they belong to. */
  late: number;
  /** Records dated too far ahead of the earlier ones of their split. */
  future: number;
  /** Records that cannot be used, each with a reason. */
  deadLetters: number;
  /** Records made beyond one for each that came in (flatMap, joins). Negative when fewer were made. */
  expanded: number;
  /** Records folded into state that has been given out and dropped. */
  released: number;
  /** Records folded into state that is still there. */
  held: number;
  /** Result rows made from state (window results, updates). */
  results: number;
}

export const TERMS = [
  'in',
  'out',
  'filtered',
  'late',
  'future',
  'deadLetters',
  'expanded',
  'released',
  'held',
  'results',
] as const;

export const emptyLedger = (): LedgerEntry => ({
  in: 0,
  out: 0,
  filtered: 0,
  late: 0,
  future: 0,
  deadLetters: 0,
  expanded: 0,
  released: 0,
  held: 0,
  results: 0,
});

/** What is missing (positive) or too much (negative) on the right side of the equation; 0 when the entry balances. */
export const imbalance = (entry: LedgerEntry): number =>
  entry.in
  + entry.expanded
  - (entry.out + entry.filtered + entry.late + entry.future + entry.deadLetters + entry.released + entry.held);

/** Fails the task when an entry does not balance: a record was lost or made up. */
export function checkLedger(uid: string, entry: LedgerEntry): void {
  const missing = imbalance(entry);
  if (missing === 0) return;
  const terms = TERMS.map((term) => `${term} ${entry[term]}`).join(', ');
  throw new InternalError(`the ledger of ${uid} is off by ${missing}: ${terms}`);
}
