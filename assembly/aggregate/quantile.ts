/**
 * quantile and median: DDSketch, buckets whose bounds grow by a fixed ratio.
 *
 *   64 bytes: two blobs, of positive and of negative values by magnitude: u64 counts of neighbouring buckets, the last
 *   word the index of the first one, i32 | counts u64: -Infinity, zero, Infinity, NaN
 *   bucket i holds (RATIO^(i - 1), RATIO^i]
 *
 * Error: a quantile is within 1% of a value of that rank (the value at rank floor(q * (n - 1)) of the sorted ones), as
 * long as magnitudes of one sign lie within a factor of 10^19 of the largest, as all of int64 do; smaller ones count as if they were there.
 *
 * Invariant: counts depend on the values alone. What is folded into the lowest bucket is decided by the highest one, so
 * neither order nor merging can be seen, to the bit.
 * Background: Masson, Rim and Lee, DDSketch (VLDB 2019).
 */
import { columnValues } from '../abi';
import { BLOB_BYTES, BLOB_EXTRA, BLOB_LENGTH, blobLength, blobPtr, blobReserve, blobTouch } from './blob';
import { AGGREGATE_BLOBS, AGGREGATE_COLUMN, AGGREGATE_PARAMETER, AGGREGATE_TYPE } from './call';
import { floatAt } from './column';

const ERROR: f64 = 0.01;
const BUCKETS_MAX: i32 = 2304;
const LOW: u32 = 32;
const ZERO: u32 = 40;
const HIGH: u32 = 48;
const NOT_A_NUMBER: u32 = 56;
export const SKETCH_BYTES: u32 = 64;

/** Natural logarithm of the ratio (1 + ERROR) / (1 - ERROR). */
const LOG_RATIO: f64 = 0.020000666706669435;

function bump(ptr: u32, count: u64): void {
  store<u64>(ptr, load<u64>(ptr) + count);
}

/** False without memory. */
export function quantileAdd(callPtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const values = columnValues(load<u32>(callPtr, AGGREGATE_COLUMN));
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const acc = load<u32>(entriesPtr + k) + offset;
    const value = floatAt(type, values, load<u32>(rowsPtr + k));
    if (value != value) bump(acc + NOT_A_NUMBER, 1);
    else if (value == 0) bump(acc + ZERO, 1);
    else if (value == Infinity) bump(acc + HIGH, 1);
    else if (value == -Infinity) bump(acc + LOW, 1);
    else {
      const index = <i32>Math.ceil(Math.log(Math.abs(value)) / LOG_RATIO);
      if (!bucketAdd(blobs, value > 0 ? acc : acc + BLOB_BYTES, index, 1)) return false;
    }
  }
  return true;
}

/** Counts `count` values in a bucket of one sign. */
function bucketAdd(blobs: u32, half: u32, index: i32, count: u64): bool {
  const first = load<i32>(half, BLOB_EXTRA);
  const buckets = <i32>(blobLength(half) >> 3);
  const last = first + buckets - 1;
  const highest = buckets == 0 ? index : max<i32>(last, index);
  const floor = highest - BUCKETS_MAX + 1;
  const at = max<i32>(index, floor);
  const lowest = buckets == 0 ? at : max<i32>(floor, min<i32>(first, at));
  if (!blobReserve(blobs, half, (<u32>(highest - lowest + 1)) << 3)) return false;
  if (buckets == 0 || lowest != first || highest != last) reshape(blobs, half, lowest, highest);
  const ptr = blobPtr(half) + ((<u32>(at - lowest)) << 3);
  blobTouch(blobs, ptr, 8);
  store<u64>(ptr, load<u64>(ptr) + count);
  return true;
}

/** Makes the buckets those of [lowest, highest]; what lay below joins the lowest. There is room for them. */
function reshape(blobs: u32, half: u32, lowest: i32, highest: i32): void {
  const ptr = blobPtr(half);
  const first = load<i32>(half, BLOB_EXTRA);
  const buckets = <i32>(blobLength(half) >> 3);
  const bytes = (<u32>(highest - lowest + 1)) << 3;
  blobTouch(blobs, ptr, max<u32>(bytes, blobLength(half)));
  store<i32>(half, lowest, BLOB_EXTRA);
  store<u32>(half, bytes, BLOB_LENGTH);
  if (buckets == 0) {
    memory.fill(ptr, 0, bytes);
    return;
  }
  let folded: u64 = 0;
  const below = min<i32>(max<i32>(0, lowest - first), buckets);
  for (let i: i32 = 0; i < below; i++) folded += load<u64>(ptr + ((<u32>i) << 3));
  const kept = (<u32>(buckets - below)) << 3;
  const target = ptr + ((<u32>max<i32>(0, first - lowest)) << 3);
  memory.copy(target, ptr + ((<u32>below) << 3), kept);
  memory.fill(ptr, 0, target - ptr);
  memory.fill(target + kept, 0, ptr + bytes - target - kept);
  store<u64>(ptr, load<u64>(ptr) + folded);
}

/** False without memory. */
export function quantileMerge(blobs: u32, into: u32, from: u32): bool {
  for (let at: u32 = LOW; at < SKETCH_BYTES; at += 8) bump(into + at, load<u64>(from + at));
  return storeMerge(blobs, into, from) && storeMerge(blobs, into + BLOB_BYTES, from + BLOB_BYTES);
}

/** The highest bucket first, so that the others find their room. */
function storeMerge(blobs: u32, into: u32, from: u32): bool {
  const first = load<i32>(from, BLOB_EXTRA);
  for (let i = <i32>(blobLength(from) >> 3) - 1; i >= 0; i--) {
    const count = load<u64>(blobPtr(from) + ((<u32>i) << 3));
    if (count != 0 && !bucketAdd(blobs, into, first + i, count)) return false;
  }
  return true;
}

/** What stands for the values of a bucket: at most ERROR away from both its ends. */
function middle(index: i32): f64 {
  const upper = Math.exp(<f64>index * LOG_RATIO);
  return min<f64>(f64.MAX_VALUE, upper * (1 - ERROR));
}

export function quantileFinish(callPtr: u32, acc: u32, count: u64, outPtr: u32): void {
  const rank = <u64>Math.floor(load<f64>(callPtr, AGGREGATE_PARAMETER) * <f64>(count - 1));
  store<f64>(outPtr, valueAt(acc, rank));
}

function valueAt(acc: u32, rank: u64): f64 {
  let seen = load<u64>(acc, LOW);
  if (rank < seen) return -Infinity;
  const below = acc + BLOB_BYTES;
  for (let i = <i32>(blobLength(below) >> 3) - 1; i >= 0; i--) {
    seen += load<u64>(blobPtr(below) + ((<u32>i) << 3));
    if (rank < seen) return -middle(load<i32>(below, BLOB_EXTRA) + i);
  }
  seen += load<u64>(acc, ZERO);
  if (rank < seen) return 0;
  for (let i: u32 = 0; i < blobLength(acc) >> 3; i++) {
    seen += load<u64>(blobPtr(acc) + (i << 3));
    if (rank < seen) return middle(load<i32>(acc, BLOB_EXTRA) + <i32>i);
  }
  return rank < seen + load<u64>(acc, HIGH) ? Infinity : NaN;
}
