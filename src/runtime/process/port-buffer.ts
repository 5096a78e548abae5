/**
 * What a function emitted to one output, until the operator may hand it on: as many batches as it takes.
 *
 * Invariants
 *  1. Rows are checked and copied when they are emitted, so that a mistake is told in the call that made it.
 *  2. A batch that was handed on keeps its memory until `release`.
 */
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import { BatchBuilder } from '../../format/batch-builder.ts';
import type { Row } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { Output } from '../operator.ts';
import { writeMs } from '../../kernel/milliseconds.ts';

interface Chunk {
  readonly builder: BatchBuilder;
  readonly timestamps: Ptr;
  readonly watermarks: Ptr;
}

export interface Stamp {
  /** Event time and watermark of what is emitted now. */
  timestamp: number;
  watermark: number;
}

export class PortBuffer {
  readonly output: Output;
  readonly #kernels: KernelInstance;
  readonly #schema: TableSchema;
  readonly #hasEventTime: boolean;
  readonly #stamp: Stamp;
  readonly #free: Chunk[] = [];
  #chunks: Chunk[] = [];
  #lent: Chunk | undefined;

  constructor(kernels: KernelInstance, schema: TableSchema, output: Output, stamp: Stamp, hasEventTime: boolean) {
    this.output = output;
    this.#kernels = kernels;
    this.#schema = schema;
    this.#stamp = stamp;
    this.#hasEventTime = hasEventTime;
  }

  append(row: Row): void {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.builder.isFull) {
      chunk = this.#free.pop() ?? this.#make();
      this.#chunks.push(chunk);
    }
    const at = chunk.builder.rows;
    chunk.builder.append(row);
    if (!this.#hasEventTime) return;
    writeMs(this.#kernels.memory, chunk.timestamps, at, this.#stamp.timestamp);
    writeMs(this.#kernels.memory, chunk.watermarks, at, this.#stamp.watermark);
  }

  /** Whether a whole batch is ready. */
  get isFull(): boolean {
    return this.#chunks[0]?.builder.isFull === true;
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Hands the first batch on; how many rows it has. */
  flush(origin: BatchOrigin | undefined): number {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return 0;
    this.#lent = chunk;
    const batch = chunk.builder.finish(origin);
    const { timestamps, watermarks } = chunk;
    this.output.batch(this.#hasEventTime ? { ...batch, timestamps, watermarks } : batch);
    return batch.rows;
  }

  /** The batch handed on last is no longer read by anyone. */
  release(): void {
    if (this.#lent === undefined) return;
    this.#lent.builder.reset();
    this.#free.push(this.#lent);
    this.#lent = undefined;
  }

  #make(): Chunk {
    const { memory } = this.#kernels;
    const bytes = this.#hasEventTime ? BATCH_ROWS_MAX * 8 : 8;
    return {
      builder: new BatchBuilder(this.#kernels, this.#schema, BATCH_ROWS_MAX),
      timestamps: memory.allocate(bytes),
      watermarks: memory.allocate(bytes),
    };
  }
}
