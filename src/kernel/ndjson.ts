/**
 * Door of assembly/codec/ndjson.ts: rows to NDJSON bytes, for schemas whose columns it can spell.
 *
 * Invariant: what `encode` answers lies in linear memory until its next call.
 * Not here: floats, bytes and microseconds (format/json-writer.ts).
 */
import type { Ptr, RecordBatch } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import type { ColumnType, TypeKind } from '../data/types.ts';
import type { KernelInstance } from './instance.ts';

const COLUMN_BYTES = 64;
const ROOM_BYTES = 64 * 1024;
const KIND: { readonly [K in TypeKind]?: number } = {
  bool: 0,
  int8: 1,
  int16: 1,
  int32: 1,
  int64: 2,
  timestamp: 3,
  utf8: 4,
  json: 5,
};

const kindOf = (type: ColumnType): number | undefined => (type.unit === 'us' ? undefined : KIND[type.kind]);

/** Rows that were written, and how far the input was taken. Without progress the row at `next` is for the host to write. */
export interface Encoded {
  readonly start: Ptr;
  readonly end: Ptr;
  readonly next: number;
}

export class NdjsonKernel {
  readonly #kernels: KernelInstance;
  readonly #encode: (...args: number[]) => number;
  readonly #columns: Ptr;
  readonly #count: number;
  readonly #next: Ptr;
  readonly #room: Ptr;

  /** `prefixes` are what stands before each value: a brace or a comma, the name, a colon. */
  private constructor(kernels: KernelInstance, kinds: readonly number[], prefixes: readonly Uint8Array[]) {
    const { memory } = kernels;
    this.#kernels = kernels;
    this.#encode = kernels.function('encodeNdjson');
    this.#count = kinds.length;
    this.#columns = memory.allocate(COLUMN_BYTES * kinds.length);
    this.#next = memory.allocate(4);
    this.#room = memory.allocate(ROOM_BYTES);
    memory.u8.fill(0, this.#columns, this.#columns + COLUMN_BYTES * kinds.length);
    kinds.forEach((kind, i) => {
      const prefix = prefixes[i] ?? new Uint8Array(0);
      const at = memory.allocate(prefix.length);
      memory.u8.set(prefix, at);
      const column = this.#columns / 4 + i * (COLUMN_BYTES / 4);
      memory.u32.set([kind, 0, 0, at, prefix.length], column);
    });
  }

  /** Undefined when a column is of a kind that only the host can spell. */
  static tryFor(
    kernels: KernelInstance,
    schema: TableSchema,
    prefixes: readonly Uint8Array[],
  ): NdjsonKernel | undefined {
    const kinds = schema.fields.flatMap(({ type }) => kindOf(type) ?? []);
    return kinds.length === 0 || kinds.length < schema.fields.length
      ? undefined
      : new NdjsonKernel(kernels, kinds, prefixes);
  }

  /** Takes the columns of a batch; `encode` then writes its rows. */
  take({ columns }: RecordBatch): void {
    const { u32 } = this.#kernels.memory;
    for (let i = 0; i < this.#count; i++) {
      const at = this.#columns / 4 + i * (COLUMN_BYTES / 4);
      u32[at + 1] = columns[i]?.values ?? 0;
      u32[at + 2] = columns[i]?.validity ?? 0;
    }
  }

  /** Rows from position `from` on, as many as fit. */
  encode({ selection, selected }: RecordBatch, from: number): Encoded {
    const start = this.#room;
    const args = [this.#columns, this.#count, selection, from, selected, start, start + ROOM_BYTES, this.#next];
    const end = this.#encode(...args) >>> 0;
    return { start, end, next: this.#kernels.memory.u32[this.#next / 4] ?? 0 };
  }
}
