/**
 * Door to assembly/codec/row.ts: rows of columns as bytes (composite keys, values of user state) and back.
 *
 * Invariants
 *  1. `encode` gives a column of views beside the batch: a row's bytes stand at its row number. They are valid until
 *     the next encode of the same codec.
 *  2. Keys: -0 is 0, all NaN are one, and equal keys have equal bytes. Values: floats keep their bits.
 */
import { assert } from '../base/assert.ts';
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import { OUTPUT_FULL } from './abi.ts';
import { ColumnBlock } from './column-block.ts';
import type { Rows } from './expression.ts';
import type { KernelInstance } from './instance.ts';

export class RowCodec {
  readonly #kernels: KernelInstance;
  readonly #columns: ColumnBlock;
  readonly #views: Ptr;
  readonly #encode: 'encodeKeys' | 'encodeRows';
  #bytes: Ptr;
  #capacity = 64 * 1024;
  #room: readonly ColumnVector[] | undefined;

  /** `schema` has the columns that make a row, in order. */
  constructor(kernels: KernelInstance, schema: TableSchema, as: 'keys' | 'values') {
    this.#kernels = kernels;
    this.#columns = new ColumnBlock(kernels.memory, schema);
    this.#views = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#encode = as === 'keys' ? 'encodeKeys' : 'encodeRows';
    this.#bytes = kernels.memory.allocate(this.#capacity);
  }

  /**
   * A VIEW column with the bytes of each selected row; other rows hold what they held. `columns` in the order of the
   * schema.
   */
  encode(columns: readonly ColumnVector[], rows: Rows): ColumnVector {
    this.#columns.set(columns);
    if (this.#run(rows) === OUTPUT_FULL) {
      this.#grow(
        this.#kernels.function('encodedRowsBytesMax')(
          this.#columns.ptr,
          this.#columns.count,
          rows.selection,
          rows.selected,
        ),
      );
      assert(this.#run(rows) >= 0, 'rows do not fit the bytes measured for them');
    }
    return { values: this.#views, validity: 0 };
  }

  #run({ selection, selected }: Rows): number {
    const { ptr, count } = this.#columns;
    return this.#kernels.function(this.#encode)(
      ptr,
      count,
      selection,
      selected,
      this.#bytes,
      this.#capacity,
      this.#views,
    );
  }

  /** At least doubles, so that the bytes left behind are never more than those in use. */
  #grow(needed: number): void {
    this.#capacity = Math.max(needed, this.#capacity * 2);
    this.#bytes = this.#kernels.memory.allocate(this.#capacity);
  }

  /**
   * Columns with rows 0 to `rows` (at most BATCH_ROWS_MAX) from a run of views; undefined when some are not rows of
   * this schema. Valid until the next decode; text points into the views' bytes.
   */
  tryDecode(views: Ptr, rows: number): readonly ColumnVector[] | undefined {
    assert(rows <= BATCH_ROWS_MAX, `${rows} rows to decode`);
    const room = (this.#room ??= this.#columns.allocateColumns());
    this.#columns.set(room);
    const decoded = this.#kernels.function('decodeRows')(views, rows, this.#columns.ptr, this.#columns.count);
    return decoded < 0 ? undefined : room;
  }
}
