/** The rows of one input of a function with state, one at a time: the row, its key, its event time and watermark. */
import { assert } from '../../base/assert.ts';
import type { RecordBatch } from '../../data/record-batch.ts';
import { requireColumn, type TableSchema, tableSchema } from '../../data/schema.ts';
import { type Row, RowView, type TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { RowCodec } from '../../kernel/row-codec.ts';
import type { StateKey } from '../../state/keyed-state.ts';
import { previewOf } from '../preview.ts';
import type { KeyScope } from '../state/key-scope.ts';
import { readMs } from '../../kernel/milliseconds.ts';

export class KeyedRows {
  readonly #kernels: KernelInstance;
  readonly #view: RowView;
  readonly #indexes: readonly number[];
  /** Undefined: rows are for every key. */
  readonly #codec: RowCodec | undefined;
  readonly #hashBytes: (ptr: number, length: number) => number;
  #batch: RecordBatch | undefined;
  #keys = 0;
  #at = 0;

  constructor(
    kernels: KernelInstance,
    input: TableSchema,
    keys: readonly string[] | undefined,
    timestamp: TimestampHook,
  ) {
    this.#kernels = kernels;
    this.#view = new RowView(kernels.memory, input, { timestamp });
    this.#indexes = (keys ?? []).map((key) => requireColumn(input, key, 'keyBy'));
    const fields = this.#indexes.flatMap((index) => input.fields[index] ?? []);
    this.#codec = keys === undefined ? undefined : new RowCodec(kernels, tableSchema(fields), 'keys');
    this.#hashBytes = kernels.function('hashBytes');
  }

  bind(batch: RecordBatch): void {
    this.#batch = batch;
    this.#at = 0;
    this.#view.bind(batch);
    const columns = this.#indexes.flatMap((index) => batch.columns[index] ?? []);
    if (this.#codec !== undefined && batch.selected > 0) this.#keys = this.#codec.encode(columns, batch).values;
  }

  get isDone(): boolean {
    return this.#batch === undefined || this.#at === this.#batch.selected;
  }

  get batch(): RecordBatch {
    assert(this.#batch !== undefined, 'no batch');
    return this.#batch;
  }

  /** The row at hand, as `peek` left it. */
  get row(): Row {
    return this.#view.row;
  }

  /** The row at hand, for messages. */
  get preview(): string {
    return this.#view.exactly(previewOf);
  }

  get index(): number {
    return this.#view.index;
  }

  /** Moves to the next row without taking it. */
  peek(): void {
    this.#view.select(this.#at);
  }

  take(): void {
    this.#at++;
  }

  /** Undefined: the batch has none. */
  get timestamp(): number | undefined {
    return this.#time(this.batch.timestamps);
  }

  get watermark(): number | undefined {
    return this.#time(this.batch.watermarks);
  }

  keyIn(scope: KeyScope): StateKey | undefined {
    if (this.#codec === undefined) return undefined;
    const { u8, u32 } = this.#kernels.memory;
    const at = (this.#keys >>> 2) + this.#view.index * 2;
    const start = u32[at] ?? 0;
    const length = u32[at + 1] ?? 0;
    return scope.keyOf(u8, start, start + length, this.#hashBytes(start, length) >>> 0);
  }

  release(): void {
    this.#batch = undefined;
  }

  #time(column: number): number | undefined {
    return column === 0 ? undefined : readMs(this.#kernels.memory, column, this.#view.index);
  }
}
