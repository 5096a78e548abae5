/**
 * Result rows of windows as columns, a batch at a time: key, bounds, what the aggregates came to.
 *
 * Invariants
 *  1. Every row carries the last instant of its window as event time, and the watermark that was passed on last.
 *  2. An update is an update-before and an update-after side by side in one batch; when both are equal neither goes out.
 */
import type { EventTimeMs } from '../../base/time.ts';
import { InternalError } from '../../base/errors.ts';
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import { type TableSchema, tableSchema } from '../../data/schema.ts';
import { Physical, physicalOf, widthOf } from '../../data/types.ts';
import { ByteArea } from '../../format/byte-area.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { RowCodec } from '../../kernel/row-codec.ts';
import { lastInstant, type Window } from './window.ts';

/** Columns between the keys and the results: both ends, the number of a counted window, or none. */
export type BoundColumns = 'start and end' | 'number' | 'none';

export interface WindowResultsOptions {
  readonly kernels: KernelInstance;
  readonly schema: TableSchema;
  /** Columns of the key, the first of the schema. */
  readonly keyCount: number;
  readonly bounds: BoundColumns;
  /** Where the aggregates write, a column each. */
  readonly results: readonly ColumnVector[];
}

export class WindowResults {
  readonly #options: WindowResultsOptions;
  readonly #keys: RowCodec | undefined;
  readonly #views: Ptr;
  readonly #area: ByteArea;
  readonly #starts: Ptr;
  readonly #ends: Ptr;
  readonly #timestamps: Ptr;
  readonly #watermarks: Ptr;
  readonly #kinds: Ptr;
  #rows = 0;
  #isChangelog = false;

  constructor(options: WindowResultsOptions) {
    const { kernels, schema, keyCount } = options;
    const { memory } = kernels;
    this.#options = options;
    this.#keys =
      keyCount === 0 ? undefined : new RowCodec(kernels, tableSchema(schema.fields.slice(0, keyCount)), 'keys');
    this.#views = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#area = new ByteArea(memory);
    this.#starts = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#ends = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#timestamps = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#kinds = memory.allocate(BATCH_ROWS_MAX);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Whether there is no room for a result, which may be two rows. */
  get isFull(): boolean {
    return this.#rows > BATCH_ROWS_MAX - 2;
  }

  /** Begins a row and answers its number; the aggregates are then written at that number. */
  add(key: Uint8Array, window: Window, kind: RowKind = RowKind.INSERT): number {
    const row = this.#rows++;
    const { memory } = this.#options.kernels;
    if (this.#keys !== undefined) this.#area.putBytes(this.#views + row * 8, key);
    const { i64, u8 } = memory;
    i64[(this.#starts >>> 3) + row] = BigInt(window.start);
    i64[(this.#ends >>> 3) + row] = BigInt(window.end);
    i64[(this.#timestamps >>> 3) + row] = BigInt(
      this.#options.bounds === 'start and end' ? lastInstant(window) : Number.MAX_SAFE_INTEGER,
    );
    u8[this.#kinds + row] = kind;
    this.#isChangelog ||= kind !== RowKind.INSERT;
    return row;
  }

  /** Takes the last two rows back when their results are equal; whether it did. */
  dropEqualUpdate(): boolean {
    const after = this.#rows - 1;
    const { results, schema } = this.#options;
    const first = schema.fields.length - results.length;
    const equal = results.every((column, i) => {
      const type = schema.fields[first + i]?.type;
      return type === undefined || this.#equal(column, physicalOf(type), after - 1, after);
    });
    if (equal) this.#rows -= 2;
    return equal;
  }

  #equal({ values, validity }: ColumnVector, physical: Physical, a: number, b: number): boolean {
    const { u8 } = this.#options.kernels.memory;
    const present = (row: number): boolean =>
      validity === 0 || ((u8[validity + (row >> 3)] ?? 0) >> (row & 7)) % 2 === 1;
    if (present(a) !== present(b)) return false;
    if (!present(a)) return true;
    if (physical === Physical.VIEW) return this.#equalText(values, a, b);
    const width = widthOf(physical);
    for (let i = 0; i < width; i++) if (u8[values + a * width + i] !== u8[values + b * width + i]) return false;
    return true;
  }

  /** Texts are what they point to. */
  #equalText(values: Ptr, a: number, b: number): boolean {
    const { u8, u32 } = this.#options.kernels.memory;
    const [at = 0, bytes = 0] = u32.subarray((values >>> 2) + a * 2);
    const [otherAt = 0, otherBytes = 0] = u32.subarray((values >>> 2) + b * 2);
    if (bytes !== otherBytes) return false;
    for (let i = 0; i < bytes; i++) if (u8[at + i] !== u8[otherAt + i]) return false;
    return true;
  }

  /** What was added as a batch, valid until the next `add`; empties the writer. */
  take(passed: EventTimeMs): RecordBatch {
    const { kernels, schema, results } = this.#options;
    const rows = this.#rows;
    const from = this.#watermarks >>> 3;
    kernels.memory.i64.fill(BigInt(passed), from, from + rows);
    const columns = [...this.#keyColumns(rows), ...this.#boundColumns(), ...results];
    const batch = {
      schema,
      rows,
      columns,
      selection: 0,
      selected: rows,
      rowKinds: this.#isChangelog ? this.#kinds : 0,
      timestamps: this.#timestamps,
      watermarks: this.#watermarks,
      origin: undefined,
    };
    this.#rows = 0;
    this.#isChangelog = false;
    this.#area.reset();
    return batch;
  }

  #keyColumns(rows: number): readonly ColumnVector[] {
    if (this.#keys === undefined) return [];
    const columns = this.#keys.tryDecode(this.#views, rows);
    if (columns === undefined) throw new InternalError('keys in state are not rows of the key columns');
    return columns;
  }

  #boundColumns(): readonly ColumnVector[] {
    const starts = { values: this.#starts, validity: 0 };
    if (this.#options.bounds === 'none') return [];
    return this.#options.bounds === 'number' ? [starts] : [starts, { values: this.#ends, validity: 0 }];
  }
}
