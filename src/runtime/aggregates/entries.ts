/**
 * Accumulators that stand outside of kernels' state, as operators use them: one entry is at hand, its bytes are kept by
 * whoever works with it. Kernels make them (kernel/accumulators.ts); with functions of users among them, mixed-entries.ts.
 */
import type { ColumnVector, Ptr, RecordBatch } from '../../data/record-batch.ts';
import type { AggregateInput } from '../../kernel/aggregate-plan.ts';

export interface Entries {
  /** A column for each result; row `i` is written by `finish(i)`. */
  readonly results: readonly ColumnVector[];
  /** Rows in the entry at hand; those taken back count as less than none. */
  readonly rows: number;
  /** The batch whose rows are added next, and what aggregates read of it; `times`: i64 per row, or 0. */
  setInput(input: AggregateInput, times: Ptr, batch: RecordBatch): void;
  /** An entry that has seen nothing is at hand. */
  create(): void;
  load(bytes: Uint8Array): void;
  /** The bytes of the entry at hand, a copy. */
  store(): Uint8Array;
  /** `row` is a row number of the batch. */
  add(row: number): void;
  retract(row: number): void;
  /** Adds a later entry to the one at hand. */
  merge(later: Uint8Array): void;
  /** Writes the results of the entry at hand to row `row` of `results`. */
  finish(row: number): void;
}
