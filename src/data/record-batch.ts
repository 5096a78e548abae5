/**
 * What flows: up to BATCH_ROWS_MAX rows of one schema, columns in linear memory.
 *
 * Invariants
 *  1. A batch is borrowed: it and all it points to are valid only until the call that was handed it returns (or, when the
 *     operator answers `more`, until it no longer does). Whoever keeps rows copies them.
 *  2. A batch comes from one split of one source, or from one firing. Its rows are in record order.
 *  3. `selection` lists the rows that are meant, ascending; without it all are. Columns keep their row numbers, so a filter
 *     moves nothing.
 *  4. `watermarks`, when there is event time, holds for each row the watermark in force just before it (i64, ms). A row is
 *     judged late by this value alone, so the answer does not depend on how rows were batched.
 *  5. `timestamps`, when there is event time, holds each row's (i64, ms). It travels beside the columns, so that a projection
 *     or a user's function may drop the column that it came from. Result rows of a window carry the window's last instant.
 *  6. A validity pointer of 0 means that no row is null. `rowKinds` of 0 means that all rows are inserts.
 */
import type { TableSchema } from './schema.ts';

/** Byte address in linear memory, unsigned; 0 is null. */
export type Ptr = number;

export const BATCH_ROWS_MAX = 4096;

export interface ColumnVector {
  readonly values: Ptr;
  readonly validity: Ptr;
}

/** Where the rows of a batch come from, for dead letters, late rows and explanations. */
export interface BatchOrigin {
  readonly source: string;
  readonly split: number;
}

export interface RecordBatch {
  readonly schema: TableSchema;
  readonly rows: number;
  readonly columns: readonly ColumnVector[];
  /** u32 row numbers, or 0. */
  readonly selection: Ptr;
  /** Rows meant: entries of `selection`, or `rows`. */
  readonly selected: number;
  /** u8 per row, or 0. */
  readonly rowKinds: Ptr;
  /** i64 per row, ms, or 0. */
  readonly timestamps: Ptr;
  /** i64 per row, ms, or 0. */
  readonly watermarks: Ptr;
  readonly origin: BatchOrigin | undefined;
}
