/** The rows of a batch as a window operator takes them: one at a time, with key, time, watermark and kind. */
import { MIN_TIME } from '../../base/time.ts';
import type { RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import { requireColumn, type TableSchema, tableSchema } from '../../data/schema.ts';
import { type Row, RowView, type TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { readMs } from '../../kernel/milliseconds.ts';
import { RowCodec } from '../../kernel/row-codec.ts';
import { previewOf } from '../preview.ts';
import type { StateKey } from '../../state/keyed-state.ts';

export class WindowRows {
  readonly #kernels: KernelInstance;
  readonly #keyIndexes: readonly number[];
  readonly #keys: RowCodec | undefined;
  readonly #view: RowView;
  readonly #noKey: StateKey;
  readonly #hash: (ptr: number, length: number) => number;
  #batch: RecordBatch | undefined;
  #keyViews = 0;
  #position = 0;

  constructor(kernels: KernelInstance, schema: TableSchema, keys: readonly string[], timestamp: TimestampHook) {
    this.#kernels = kernels;
    this.#keyIndexes = keys.map((key) => requireColumn(schema, key, 'keyBy'));
    const fields = this.#keyIndexes.flatMap((index) => schema.fields[index] ?? []);
    this.#keys = fields.length === 0 ? undefined : new RowCodec(kernels, tableSchema(fields), 'keys');
    this.#view = new RowView(kernels.memory, schema, { timestamp });
    this.#hash = kernels.function('hashBytes');
    this.#noKey = { bytes: new Uint8Array(0), hash: this.#hash(0, 0) >>> 0 };
  }

  bind(batch: RecordBatch): void {
    this.#batch = batch;
    this.#position = 0;
    const columns = this.#keyIndexes.flatMap((index) => batch.columns[index] ?? []);
    this.#keyViews = this.#keys?.encode(columns, batch).values ?? 0;
    this.#view.bind(batch);
    if (batch.selected > 0) this.#view.select(0);
  }

  get batch(): RecordBatch | undefined {
    return this.#batch;
  }

  /** Whether a row is at hand. */
  get has(): boolean {
    return this.#batch !== undefined && this.#position < this.#batch.selected;
  }

  next(): void {
    this.#position++;
    if (this.has) this.#view.select(this.#position);
  }

  release(): void {
    this.#batch = undefined;
  }

  /** Row number in the batch of the row at hand. */
  get number(): number {
    return this.#view.index;
  }

  get row(): Row {
    return this.#view.row;
  }

  /** The row at hand, for messages. */
  get preview(): string {
    return this.#view.exactly(previewOf);
  }

  get kind(): RowKind {
    return this.#view.kind;
  }

  get isRetraction(): boolean {
    return this.kind === RowKind.UPDATE_BEFORE || this.kind === RowKind.DELETE;
  }

  /** NaN without a timestamp. */
  get timestamp(): number {
    return this.#at(this.#batch?.timestamps ?? 0, Number.NaN);
  }

  /** The watermark in force before the row. */
  get watermark(): number {
    return this.#at(this.#batch?.watermarks ?? 0, MIN_TIME);
  }

  /** A copy. */
  get key(): StateKey {
    if (this.#keyViews === 0) return this.#noKey;
    const { u8, u32 } = this.#kernels.memory;
    const view = (this.#keyViews >>> 2) + this.number * 2;
    const start = u32[view] ?? 0;
    const length = u32[view + 1] ?? 0;
    return { bytes: u8.slice(start, start + length), hash: this.#hash(start, length) >>> 0 };
  }

  #at(column: number, missing: number): number {
    return column === 0 ? missing : readMs(this.#kernels.memory, column, this.number);
  }
}
