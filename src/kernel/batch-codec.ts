/**
 * Door to assembly/codec/batch.ts: record batches as bytes in linear memory and back.
 *
 * Invariants
 *  1. Encoding writes the selected rows only; what decoding makes has no selection.
 *  2. A decoded batch is valid until the next decode of the same codec, and its text as long as the bytes.
 * Not here: bytes outside linear memory (runtime/channel/batch-codec.ts), the format (assembly/codec/batch.ts).
 */
import {
  BATCH_ROWS_MAX,
  type BatchOrigin,
  type ColumnVector,
  type Ptr,
  type RecordBatch,
} from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import { ColumnBlock } from './column-block.ts';
import type { KernelInstance } from './instance.ts';

/**
 * Words of the argument block, in order: columns, count, rows, selection, kinds, watermarks, source, its bytes, split,
 * timestamps.
 */
const BLOCK_WORDS = 10;
const KINDS = 4;
const WATERMARKS = 5;
const SOURCE = 6;
const SOURCE_BYTES = 7;
const SPLIT = 8;
const TIMESTAMPS = 9;

export class BatchCodec {
  readonly schema: TableSchema;
  readonly #kernels: KernelInstance;
  readonly #block: Ptr;
  readonly #columns: ColumnBlock;
  readonly #sources = new Map<string, { readonly ptr: Ptr; readonly bytes: number }>();
  #room: Room | undefined;

  constructor(kernels: KernelInstance, schema: TableSchema) {
    this.schema = schema;
    this.#kernels = kernels;
    this.#block = kernels.memory.allocate(BLOCK_WORDS * 4);
    this.#columns = new ColumnBlock(kernels.memory, schema);
  }

  /** Bytes that `encode` writes for this batch. */
  encodedBytes(batch: RecordBatch): number {
    this.#describe(batch);
    return this.#kernels.function('encodedBatchBytes')(this.#block);
  }

  /** Writes a batch at `at`; answers its bytes, or OUTPUT_FULL when `capacity` is too little. */
  encode(batch: RecordBatch, at: Ptr, capacity: number): number {
    this.#describe(batch);
    return this.#kernels.function('encodeBatch')(this.#block, at, capacity);
  }

  /** The batch in `length` bytes at `at`; undefined when they are not a batch of this schema. */
  tryDecode(at: Ptr, length: number): RecordBatch | undefined {
    const { memory } = this.#kernels;
    const room = this.#makeRoom();
    this.#columns.set(room.columns);
    this.#setBlock([
      this.#columns.ptr,
      this.#columns.count,
      BATCH_ROWS_MAX,
      0,
      room.rowKinds,
      room.watermarks,
      0,
      0,
      0,
      room.timestamps,
    ]);
    const rows = this.#kernels.function('decodeBatch')(this.#block, at, length);
    if (rows < 0) return undefined;
    const word = (index: number): number => memory.u32[this.#block / 4 + index] ?? 0;
    const columns = room.columns.map(({ values, validity }, i) => ({
      values,
      validity: this.#columns.hasNulls(i) ? validity : 0,
    }));
    return {
      schema: this.schema,
      rows,
      columns,
      selection: 0,
      selected: rows,
      rowKinds: word(KINDS),
      timestamps: word(TIMESTAMPS),
      watermarks: word(WATERMARKS),
      origin: this.#origin(word(SOURCE), word(SOURCE_BYTES), word(SPLIT)),
    };
  }

  #describe(batch: RecordBatch): void {
    const source = batch.origin === undefined ? { ptr: 0, bytes: 0 } : this.#source(batch.origin.source);
    this.#columns.set(batch.columns);
    this.#setBlock([
      this.#columns.ptr,
      this.#columns.count,
      batch.selected,
      batch.selection,
      batch.rowKinds,
      batch.watermarks,
      source.ptr,
      source.bytes,
      batch.origin?.split ?? 0,
      batch.timestamps,
    ]);
  }

  #setBlock(words: readonly number[]): void {
    this.#kernels.memory.u32.set(words, this.#block / 4);
  }

  /** The few names of sources stay in memory, so that each is encoded once. */
  #source(name: string): { readonly ptr: Ptr; readonly bytes: number } {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const text = new TextEncoder().encode(name);
    const ptr = this.#kernels.memory.allocate(text.length + 1);
    this.#kernels.memory.u8.set(text, ptr);
    const made = { ptr, bytes: text.length };
    this.#sources.set(name, made);
    return made;
  }

  #origin(source: Ptr, bytes: number, split: number): BatchOrigin | undefined {
    if (source === 0) return undefined;
    const { u8 } = this.#kernels.memory;
    return { source: new TextDecoder().decode(u8.subarray(source, source + bytes)), split };
  }

  /** Memory that decoded batches stand in; a codec that only encodes takes none. */
  #makeRoom(): Room {
    const { memory } = this.#kernels;
    this.#room ??= {
      columns: this.#columns.allocateColumns(),
      rowKinds: memory.allocate(BATCH_ROWS_MAX),
      timestamps: memory.allocate(BATCH_ROWS_MAX * 8),
      watermarks: memory.allocate(BATCH_ROWS_MAX * 8),
    };
    return this.#room;
  }
}

interface Room {
  readonly columns: readonly ColumnVector[];
  readonly rowKinds: Ptr;
  readonly timestamps: Ptr;
  readonly watermarks: Ptr;
}
