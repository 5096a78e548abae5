/**
 * Rows between batches and state: the columns that a window needs of its rows, as bytes and back.
 *
 * Invariant: `load` gives a batch with the schema of the input, in which columns that are not kept are null; it is valid
 * until the next `load`.
 */
import { InternalError } from '../../base/errors.ts';
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import { indexOfColumn, type TableSchema, tableSchema } from '../../data/schema.ts';
import { ByteArea } from '../../format/byte-area.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { RowCodec } from '../../kernel/row-codec.ts';
import type { StoredRow } from './row-log.ts';

const NO_VALUES: ColumnVector = { values: 0, validity: 0 };

export class RowStore {
  readonly #kernels: KernelInstance;
  readonly #schema: TableSchema;
  readonly #indexes: readonly number[];
  readonly #codec: RowCodec;
  readonly #views: Ptr;
  readonly #timestamps: Ptr;
  readonly #area: ByteArea;
  #encoded: ColumnVector = NO_VALUES;

  /** `columns`: names of those that are kept. */
  constructor(kernels: KernelInstance, schema: TableSchema, columns: ReadonlySet<string>) {
    this.#kernels = kernels;
    this.#schema = schema;
    const fields = schema.fields.filter(({ name }) => columns.has(name));
    this.#indexes = fields.map(({ name }) => indexOfColumn(schema, name));
    this.#codec = new RowCodec(kernels, tableSchema(fields), 'values');
    this.#views = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#timestamps = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#area = new ByteArea(kernels.memory);
  }

  /** Encodes the rows of a batch; `bytesOf` then has each of them while the batch lives. */
  bind(batch: RecordBatch): void {
    this.#encoded = this.#codec.encode(
      this.#indexes.map((index) => batch.columns[index] ?? NO_VALUES),
      batch,
    );
  }

  /** A copy of the bytes of row number `row`. */
  bytesOf(row: number): Uint8Array {
    const { u8, u32 } = this.#kernels.memory;
    const view = (this.#encoded.values >>> 2) + row * 2;
    const start = u32[view] ?? 0;
    return u8.slice(start, start + (u32[view + 1] ?? 0));
  }

  /** At most BATCH_ROWS_MAX rows as a batch. */
  load(rows: readonly StoredRow[]): RecordBatch {
    this.#area.reset();
    const { memory } = this.#kernels;
    rows.forEach(({ bytes, time }, i) => {
      this.#area.putBytes(this.#views + i * 8, bytes);
      memory.i64[(this.#timestamps >>> 3) + i] = Number.isNaN(time) ? 0n : BigInt(time);
    });
    const decoded = this.#codec.tryDecode(this.#views, rows.length);
    if (decoded === undefined) throw new InternalError('rows in the state of a window are not rows of its input');
    const columns: ColumnVector[] = this.#schema.fields.map(() => NO_VALUES);
    this.#indexes.forEach((index, i) => (columns[index] = decoded[i] ?? NO_VALUES));
    return {
      schema: this.#schema,
      rows: rows.length,
      columns,
      selection: 0,
      selected: rows.length,
      rowKinds: 0,
      timestamps: rows.some(({ time }) => Number.isNaN(time)) ? 0 : this.#timestamps,
      watermarks: 0,
      origin: undefined,
    };
  }
}
