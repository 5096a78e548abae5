/**
 * A sink that keeps nothing but a checksum of all rows of (channel, windowStart, windowEnd, bids, total, highest).
 *
 * Invariants
 *  1. Every byte of every column of every row is read and reaches the checksum, which is that of window-results.ts: the
 *     engine's result and a peer's are compared by it.
 *  2. The checksum goes into every checkpoint as the committable, so the sink has something to prepare and to commit.
 *  3. A windowEnd other than the start plus the window's size fails the run: peers do not have that column.
 * Not here: part files (the sink that jobs use; p1.bench.ts measures it beside this one).
 */
import type { Json } from '../../src/base/json.ts';
import type { SinkConnector, SinkContext, SinkWriter } from '../../src/connector/sink.ts';
import type { ColumnVector, RecordBatch } from '../../src/data/record-batch.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { addRowBytes, type Checksum, emptyChecksum } from './window-results.ts';

/** What the sink has seen. */
export interface SinkTotals {
  readonly checksum: Checksum;
  windows: number;
  bytes: number;
  commits: number;
}

/** A connector for one run, and its totals. */
export function digestSink(windowMs: number): { readonly connector: SinkConnector; readonly totals: SinkTotals } {
  const totals: SinkTotals = { checksum: emptyChecksum(), windows: 0, bytes: 0, commits: 0 };
  const open = async ({ kernels }: SinkContext): Promise<SinkWriter> => new Writer(kernels.memory, windowMs, totals);
  return { connector: { accepts: 'inserts', open }, totals };
}

const NONE: ColumnVector = { values: 0, validity: 0 };
const HIGH_WORD = 2 ** 32;
/** Of the five int64 columns. */
const ROW_BYTES = 40;

class Writer implements SinkWriter {
  readonly #memory: LinearMemory;
  readonly #windowMs: number;
  readonly #totals: SinkTotals;
  #start = Number.NaN;

  constructor(memory: LinearMemory, windowMs: number, totals: SinkTotals) {
    this.#memory = memory;
    this.#windowMs = windowMs;
    this.#totals = totals;
  }

  get bytesWritten(): number {
    return this.#totals.bytes;
  }

  async fence(): Promise<void> {}
  async recover(): Promise<void> {}

  write({ columns, rows, selected }: RecordBatch): void {
    if (selected !== rows) throw new Error('results of a window are not selected from');
    const [channel = NONE, start = NONE, end = NONE, bids = NONE, total = NONE, highest = NONE] = columns;
    const { u8, u32, i32 } = this.#memory;
    const [views, starts, ends] = [channel.values >>> 2, start.values >>> 2, end.values >>> 2];
    const [counts, sums, maxima] = [bids.values >>> 2, total.values >>> 2, highest.values >>> 2];
    for (let at = 0; at < rows * 2; at += 2) {
      const text = u32[views + at] ?? 0;
      const length = u32[views + at + 1] ?? 0;
      this.#window(wide(u32, i32, starts + at), wide(u32, i32, ends + at));
      const words = { start: starts + at, count: counts + at, sum: sums + at, max: maxima + at };
      addRowBytes(this.#totals.checksum, u8, text, text + length, i32, words);
      this.#totals.bytes += length + ROW_BYTES;
    }
  }

  #window(start: number, end: number): void {
    if (end !== start + this.#windowMs) throw new Error(`a window from ${start} to ${end}`);
    if (start === this.#start) return;
    this.#start = start;
    this.#totals.windows++;
  }

  ready(): undefined {
    return undefined;
  }

  async prepare(): Promise<Json> {
    return { ...this.#totals.checksum };
  }

  async commit(): Promise<void> {
    this.#totals.commits++;
  }

  async close(): Promise<void> {}
}

const wide = (u32: Uint32Array, i32: Int32Array, at: number): number => (i32[at + 1] ?? 0) * HIGH_WORD + (u32[at] ?? 0);
