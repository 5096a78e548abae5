/**
 * A digest of rows of any columns, the same whether they lie in columns (the engine's sink) or are objects (its peer): a
 * hash of every byte of every value of a row, in the order of the columns, the hashes added. It does not depend on the
 * order of rows, so results of windows may come in any.
 *
 * Nulls are no results here: a batch with one fails the run.
 */
import type { SinkConnector } from '../../src/connector/sink.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../src/data/record-batch.ts';
import { Physical, physicalOf, widthOf } from '../../src/data/types.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { readingSink } from './reading-sink.ts';

export interface RowDigest {
  rows: number;
  bytes: number;
  low: number;
  high: number;
}

export const emptyRowDigest = (): RowDigest => ({ rows: 0, bytes: 0, low: 0, high: 0 });

export const rowDigestText = ({ rows, low, high }: RowDigest): string => `${rows}-${high >>> 0}-${low >>> 0}`;

const SEED = 0x811c9dc5 | 0;
const WIDE = 2 ** 32;

export const mixWord = (hash: number, word: number): number => Math.imul(hash ^ word, 0x01000193);

/** A safe integer that is stored in 64 bits. */
export const mixInt64 = (hash: number, value: number): number =>
  mixWord(mixWord(hash, value | 0), Math.floor(value / WIDE) | 0);

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

export function mixDouble(hash: number, value: number): number {
  double[0] = value;
  return mixWord(mixWord(hash, words[0] ?? 0), words[1] ?? 0);
}

/** The UTF-8 bytes of a text, then their number. */
export function mixText(hash: number, text: string): number {
  let mixed = hash;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return mixBytes(hash, Buffer.from(text));
    mixed = mixWord(mixed, unit);
  }
  return mixWord(mixed, text.length);
}

function mixBytes(hash: number, bytes: Uint8Array): number {
  let mixed = hash;
  for (const byte of bytes) mixed = mixWord(mixed, byte);
  return mixWord(mixed, bytes.length);
}

export const firstHash = SEED;

export function addHash(digest: RowDigest, hash: number): void {
  digest.rows++;
  digest.low = (digest.low + hash) | 0;
  digest.high = (digest.high + Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)) | 0;
}

export function rowDigestSink(digest: RowDigest): SinkConnector {
  const hashes = new Int32Array(BATCH_ROWS_MAX);
  return readingSink({
    bytes: () => digest.bytes,
    write(batch, memory) {
      hashes.fill(SEED, 0, batch.rows);
      for (let c = 0; c < batch.columns.length; c++) digest.bytes += mixColumn(hashes, memory, batch, c);
      addAll(digest, hashes, memory, batch);
    },
  });
}

/** All rows, also those that are not selected. Bytes read. */
function mixColumn(hashes: Int32Array, memory: LinearMemory, batch: RecordBatch, index: number): number {
  const [column, field] = [batch.columns[index], batch.schema.fields[index]];
  if (column === undefined || field === undefined) throw new Error('a batch without its columns');
  if (column.validity !== 0) throw new Error(`${field.name} of a result is null`);
  const physical = physicalOf(field.type);
  const at = column.values >>> 2;
  if (physical === Physical.I32) mixNarrow(hashes, memory.i32, at, batch.rows);
  else if (physical === Physical.VIEW) return mixTexts(hashes, memory, at, batch.rows);
  else mixPairs(hashes, memory.i32, at, batch.rows);
  return batch.rows * widthOf(physical);
}

function mixNarrow(hashes: Int32Array, i32: Int32Array, at: number, rows: number): void {
  for (let row = 0; row < rows; row++) hashes[row] = mixWord(hashes[row] ?? 0, i32[at + row] ?? 0);
}

function mixPairs(hashes: Int32Array, i32: Int32Array, at: number, rows: number): void {
  for (let row = 0; row < rows; row++) {
    hashes[row] = mixWord(mixWord(hashes[row] ?? 0, i32[at + row * 2] ?? 0), i32[at + row * 2 + 1] ?? 0);
  }
}

function mixTexts(hashes: Int32Array, { u8, u32 }: LinearMemory, at: number, rows: number): number {
  let bytes = 0;
  for (let row = 0; row < rows; row++) {
    const start = u32[at + row * 2] ?? 0;
    const length = u32[at + row * 2 + 1] ?? 0;
    let hash = hashes[row] ?? 0;
    for (let i = start; i < start + length; i++) hash = mixWord(hash, u8[i] ?? 0);
    hashes[row] = mixWord(hash, length);
    bytes += length;
  }
  return bytes;
}

function addAll(digest: RowDigest, hashes: Int32Array, { u32 }: LinearMemory, batch: RecordBatch): void {
  const { selection, selected } = batch;
  for (let k = 0; k < selected; k++) {
    addHash(digest, hashes[selection === 0 ? k : (u32[(selection >>> 2) + k] ?? 0)] ?? 0);
  }
}
