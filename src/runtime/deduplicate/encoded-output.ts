/** Rows that are there as bytes, on their way out: decoded into batches of columns, with kinds, times and watermarks. */
import { assert } from '../../base/assert.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { RowKind } from '../../data/row-kind.ts';
import type { TableSchema } from '../../data/schema.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { RowCodec } from '../../kernel/row-codec.ts';
import { writeMs } from '../../kernel/milliseconds.ts';

export interface OutputRow {
  /** Not to be changed until it has gone out. */
  readonly bytes: Uint8Array;
  readonly kind: RowKind;
  /** Undefined: the stream has no event time. */
  readonly time: number | undefined;
  /** In force before it. */
  readonly watermark: number;
}

export class EncodedOutput {
  readonly #kernels: KernelInstance;
  readonly #schema: TableSchema;
  readonly #codec: RowCodec;
  readonly #views: Ptr;
  readonly #kinds: Ptr;
  readonly #times: Ptr;
  readonly #watermarks: Ptr;
  #bytes: Ptr;
  #capacity = 64 * 1024;
  #rows: OutputRow[] = [];
  #taken = 0;

  constructor(kernels: KernelInstance, schema: TableSchema) {
    this.#kernels = kernels;
    this.#schema = schema;
    this.#codec = new RowCodec(kernels, schema, 'values');
    const { memory } = kernels;
    this.#views = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#kinds = memory.allocate(BATCH_ROWS_MAX);
    this.#times = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#bytes = memory.allocate(this.#capacity);
  }

  get isEmpty(): boolean {
    return this.#taken === this.#rows.length;
  }

  get size(): number {
    return this.#rows.length - this.#taken;
  }

  push(row: OutputRow): void {
    this.#rows.push(row);
  }

  /** The next rows as a batch, valid until the next call. */
  take(origin: BatchOrigin | undefined): RecordBatch {
    const rows = this.#rows.slice(this.#taken, this.#taken + BATCH_ROWS_MAX);
    this.#taken += rows.length;
    if (this.isEmpty) {
      this.#rows = [];
      this.#taken = 0;
    }
    this.#reserve(rows.reduce((sum, { bytes }) => sum + bytes.length, 0));
    const hasTime = rows[0]?.time !== undefined;
    const { memory } = this.#kernels;
    let at = this.#bytes;
    rows.forEach(({ bytes, kind, time, watermark }, i) => {
      memory.u8.set(bytes, at);
      memory.u32[(this.#views >>> 2) + i * 2] = at;
      memory.u32[(this.#views >>> 2) + i * 2 + 1] = bytes.length;
      memory.u8[this.#kinds + i] = kind;
      if (time !== undefined) writeMs(memory, this.#times, i, time);
      writeMs(memory, this.#watermarks, i, watermark);
      at += bytes.length;
    });
    const columns = this.#codec.tryDecode(this.#views, rows.length);
    assert(columns !== undefined, 'rows in state are not rows of their schema');
    return {
      schema: this.#schema,
      rows: rows.length,
      columns,
      selection: 0,
      selected: rows.length,
      rowKinds: rows.every(({ kind }) => kind === 0) ? 0 : this.#kinds,
      timestamps: hasTime ? this.#times : 0,
      watermarks: hasTime ? this.#watermarks : 0,
      origin,
    };
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#capacity) return;
    this.#capacity = Math.max(bytes, this.#capacity * 2);
    this.#bytes = this.#kernels.memory.allocate(this.#capacity);
  }
}
