/** The rows of a batch as bytes: of the key and of the whole row. Valid until the next `bind`. */
import type { RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import { requireColumn, type TableSchema, tableSchema } from '../../data/schema.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { RowCodec } from '../../kernel/row-codec.ts';
import type { StateKey } from '../../state/keyed-state.ts';
import { readMs } from '../../kernel/milliseconds.ts';

export class EncodedRows {
  readonly #kernels: KernelInstance;
  readonly #indexes: readonly number[];
  readonly #keys: RowCodec;
  readonly #rows: RowCodec;
  readonly #hash: (ptr: number, length: number) => number;
  #batch: RecordBatch | undefined;
  #keyViews = 0;
  #rowViews = 0;

  constructor(kernels: KernelInstance, schema: TableSchema, keys: readonly string[]) {
    this.#kernels = kernels;
    this.#indexes = keys.map((key) => requireColumn(schema, key, 'keyBy'));
    const fields = this.#indexes.flatMap((index) => schema.fields[index] ?? []);
    this.#keys = new RowCodec(kernels, tableSchema(fields), 'keys');
    this.#rows = new RowCodec(kernels, schema, 'values');
    this.#hash = kernels.function('hashBytes');
  }

  bind(batch: RecordBatch): void {
    this.#batch = batch;
    const columns = this.#indexes.flatMap((index) => batch.columns[index] ?? []);
    this.#keyViews = this.#keys.encode(columns, batch).values;
    this.#rowViews = this.#rows.encode(batch.columns, batch).values;
  }

  /** The row number of the `i`th selected row, by which the others ask. */
  rowAt(i: number): number {
    const selection = this.#batch?.selection ?? 0;
    return selection === 0 ? i : (this.#kernels.memory.u32[(selection >>> 2) + i] ?? 0);
  }

  keyOf(row: number): StateKey {
    const [ptr, length] = this.#view(this.#keyViews, row);
    return { bytes: this.#kernels.memory.u8.slice(ptr, ptr + length), hash: this.#hash(ptr, length) >>> 0 };
  }

  /** A copy of the row's bytes. */
  bytesOf(row: number): Uint8Array {
    const [ptr, length] = this.#view(this.#rowViews, row);
    return this.#kernels.memory.u8.slice(ptr, ptr + length);
  }

  kindOf(row: number): RowKind {
    const kinds = this.#batch?.rowKinds ?? 0;
    // Kernels write no other codes than those of RowKind.
    return kinds === 0 ? RowKind.INSERT : ((this.#kernels.memory.u8[kinds + row] ?? 0) as RowKind);
  }

  /** Undefined: the batch has none. */
  timeOf(row: number): number | undefined {
    return this.#time(this.#batch?.timestamps ?? 0, row);
  }

  watermarkOf(row: number): number | undefined {
    return this.#time(this.#batch?.watermarks ?? 0, row);
  }

  #time(column: number, row: number): number | undefined {
    return column === 0 ? undefined : readMs(this.#kernels.memory, column, row);
  }

  #view(views: number, row: number): readonly [ptr: number, length: number] {
    const { u32 } = this.#kernels.memory;
    const at = (views >>> 2) + row * 2;
    return [u32[at] ?? 0, u32[at + 1] ?? 0];
  }
}
