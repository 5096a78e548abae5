/**
 * topK: the most frequent values, by Space-Saving.
 *
 *   48 bytes: blob of counters, 24 bytes each: value (values.ts), count u64, error u64; its last word their number |
 *   blob while texts are packed | blob of texts
 *
 * Error: with m counters (8 for each wanted value, at least 64) over n rows, a count is at most its error too high, no
 * error is above n / m, and every value that stands in more than n / m rows is there.
 *
 * Merging adds counters of one value; a value that the other one does not have may have had up to its least count
 * there (0 when it has counters to spare); of all these the largest m are kept. The bounds hold for any order of merges.
 * Background: Metwally, Agrawal and El Abbadi (ICDT 2005); merging: Agarwal et al., Mergeable Summaries (PODS 2012).
 */
import { columnValues, VIEW } from '../abi';
import {
  BLOB_BYTES,
  BLOB_EXTRA,
  BLOB_LENGTH,
  blobAt,
  blobDrop,
  blobLength,
  blobMove,
  blobPtr,
  blobReserve,
  blobTouch,
  transientBytes,
} from './blob';
import { AGGREGATE_BLOBS, AGGREGATE_COLUMN, AGGREGATE_PARAMETER, AGGREGATE_TYPE } from './call';
import { isValue, keepValue, keptText, reserveKept, VALUE_BYTES, valueKept, valueOfRow } from './values';

const PACKED: u32 = BLOB_BYTES;
const TEXTS: u32 = 2 * BLOB_BYTES;
export const TOP_BYTES: u32 = 3 * BLOB_BYTES;

const COUNT: u32 = 8;
const ERROR: u32 = 16;
const COUNTER_BYTES: u32 = 24;
const TEXTS_SPARE: u32 = 4096;

function countersMax(callPtr: u32): u32 {
  return max<u32>(64, (<u32>load<f64>(callPtr, AGGREGATE_PARAMETER)) << 3);
}

/** False without memory. */
export function topAdd(callPtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const values = columnValues(load<u32>(callPtr, AGGREGATE_COLUMN));
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  const most = countersMax(callPtr);
  const value = transientBytes(blobs, VALUE_BYTES);
  if (value == 0) return false;
  for (let k: u32 = 0; k < n << 2; k += 4) {
    valueOfRow(value, type, values, load<u32>(rowsPtr + k));
    if (!countOne(blobs, load<u32>(entriesPtr + k) + offset, value, most)) return false;
  }
  return true;
}

function used(acc: u32): u32 {
  return load<u32>(acc, BLOB_EXTRA);
}

/** Offset of the counter of a value; that behind the last when there is none. */
function find(acc: u32, value: u32): u32 {
  const end = used(acc) * COUNTER_BYTES;
  const ptr = blobPtr(acc);
  for (let at: u32 = 0; at < end; at += COUNTER_BYTES) {
    if (isValue(value, load<u64>(ptr + at), acc + TEXTS)) return at;
  }
  return end;
}

/** Offset of the first counter with the least count. */
function least(acc: u32): u32 {
  const end = used(acc) * COUNTER_BYTES;
  const ptr = blobPtr(acc);
  let best: u32 = 0;
  for (let at = COUNTER_BYTES; at < end; at += COUNTER_BYTES) {
    if (load<u64>(ptr + at, COUNT) < load<u64>(ptr + best, COUNT)) best = at;
  }
  return best;
}

function countOne(blobs: u32, acc: u32, value: u32, most: u32): bool {
  const found = find(acc, value);
  if (found < used(acc) * COUNTER_BYTES) {
    if (!blobReserve(blobs, acc, blobLength(acc))) return false;
    const at = blobPtr(acc) + found;
    blobTouch(blobs, at + COUNT, 8);
    store<u64>(at, load<u64>(at, COUNT) + 1, COUNT);
    return true;
  }
  if (used(acc) < most) return append(blobs, acc, value, 1, 0);
  if (!blobReserve(blobs, acc, blobLength(acc)) || !reserveKept(blobs, value, acc + TEXTS)) return false;
  const at = blobPtr(acc) + least(acc);
  const had = load<u64>(at, COUNT);
  blobTouch(blobs, at, COUNTER_BYTES);
  store<u64>(at, keepValue(blobs, value, acc + TEXTS));
  store<u64>(at, had + 1, COUNT);
  store<u64>(at, had, ERROR);
  return packTexts(blobs, acc);
}

/** A counter for a value that has none. */
function append(blobs: u32, acc: u32, value: u32, count: u64, error: u64): bool {
  const end = used(acc) * COUNTER_BYTES;
  if (!blobReserve(blobs, acc, end + COUNTER_BYTES) || !reserveKept(blobs, value, acc + TEXTS)) return false;
  const at = blobPtr(acc) + end;
  blobTouch(blobs, at, COUNTER_BYTES);
  store<u64>(at, keepValue(blobs, value, acc + TEXTS));
  store<u64>(at, count, COUNT);
  store<u64>(at, error, ERROR);
  store<u32>(acc, end + COUNTER_BYTES, BLOB_LENGTH);
  store<u32>(acc, used(acc) + 1, BLOB_EXTRA);
  return true;
}

/** When most texts belong to values that have lost their counter, keeps the others alone. */
function packTexts(blobs: u32, acc: u32): bool {
  const texts = acc + TEXTS;
  if (blobLength(texts) < TEXTS_SPARE) return true;
  let live: u32 = 0;
  const end = used(acc) * COUNTER_BYTES;
  for (let at: u32 = 0; at < end; at += COUNTER_BYTES)
    live += 4 + load<u32>(keptText(load<u64>(blobPtr(acc) + at), texts));
  if (live << 1 > blobLength(texts) - (TEXTS_SPARE >> 1)) return true;
  const packed = acc + PACKED;
  const value = transientBytes(blobs, VALUE_BYTES);
  memory.fill(packed, 0, BLOB_BYTES);
  if (value == 0 || !blobReserve(blobs, packed, live) || !blobReserve(blobs, acc, blobLength(acc))) return false;
  blobTouch(blobs, blobPtr(acc), end);
  for (let at: u32 = 0; at < end; at += COUNTER_BYTES) {
    valueKept(value, true, load<u64>(blobPtr(acc) + at), texts);
    store<u64>(blobPtr(acc) + at, keepValue(blobs, value, packed));
  }
  blobDrop(blobs, texts);
  blobMove(texts, packed);
  return true;
}

/** False without memory. */
export function topMerge(callPtr: u32, into: u32, from: u32): bool {
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  const isText = load<u32>(callPtr, AGGREGATE_TYPE) == VIEW;
  const most = countersMax(callPtr);
  const value = transientBytes(blobs, VALUE_BYTES);
  if (value == 0 || used(from) == 0) return value != 0;
  const had = used(into);
  const intoLeast = had < most ? 0 : load<u64>(blobPtr(into) + least(into), COUNT);
  const fromLeast = used(from) < most ? 0 : load<u64>(blobPtr(from) + least(from), COUNT);
  if (!blobReserve(blobs, into, blobLength(into) + blobLength(from))) return false;
  for (let at: u32 = 0; at < had * COUNTER_BYTES; at += COUNTER_BYTES)
    raise(blobs, blobPtr(into) + at, fromLeast, fromLeast);
  for (let at: u32 = 0; at < used(from) * COUNTER_BYTES; at += COUNTER_BYTES) {
    const counter = blobPtr(from) + at;
    const count = load<u64>(counter, COUNT);
    const error = load<u64>(counter, ERROR);
    valueKept(value, isText, load<u64>(counter), from + TEXTS);
    const found = find(into, value);
    if (found < had * COUNTER_BYTES) raise(blobs, blobPtr(into) + found, count - fromLeast, error - fromLeast);
    else if (!append(blobs, into, value, count + intoLeast, error + intoLeast)) return false;
  }
  sortCounters(blobs, into, isText);
  const kept = min<u32>(most, used(into));
  store<u32>(into, kept, BLOB_EXTRA);
  store<u32>(into, kept * COUNTER_BYTES, BLOB_LENGTH);
  return !isText || packTexts(blobs, into);
}

/** Adds to count and error; both may be differences below zero. */
function raise(blobs: u32, counter: u32, count: u64, error: u64): void {
  blobTouch(blobs, counter, COUNTER_BYTES);
  store<u64>(counter, load<u64>(counter, COUNT) + count, COUNT);
  store<u64>(counter, load<u64>(counter, ERROR) + error, ERROR);
}

/** Largest counts first; of equal ones the smallest error, then the order of values. */
function sortCounters(blobs: u32, acc: u32, isText: bool): void {
  const ptr = blobPtr(acc);
  const end = used(acc) * COUNTER_BYTES;
  if (end != 0) blobTouch(blobs, ptr, end);
  for (let i = COUNTER_BYTES; i < end; i += COUNTER_BYTES) {
    const word = load<u64>(ptr + i);
    const count = load<u64>(ptr + i, COUNT);
    const error = load<u64>(ptr + i, ERROR);
    let j = ptr + i;
    while (j > ptr && isAfter(j - COUNTER_BYTES, word, count, error, isText ? acc + TEXTS : 0)) {
      memory.copy(j, j - COUNTER_BYTES, COUNTER_BYTES);
      j -= COUNTER_BYTES;
    }
    store<u64>(j, word);
    store<u64>(j, count, COUNT);
    store<u64>(j, error, ERROR);
  }
}

function isAfter(counter: u32, word: u64, count: u64, error: u64, texts: u32): bool {
  if (load<u64>(counter, COUNT) != count) return load<u64>(counter, COUNT) < count;
  if (load<u64>(counter, ERROR) != error) return load<u64>(counter, ERROR) > error;
  if (texts == 0) return <i64>load<u64>(counter) > <i64>word;
  const a = keptText(load<u64>(counter), texts);
  const b = keptText(word, texts);
  const order = memory.compare(a + 4, b + 4, min<u32>(load<u32>(a), load<u32>(b)));
  return order != 0 ? order > 0 : load<u32>(a) > load<u32>(b);
}

/**
 * Writes the wanted values as a view: for each count u64, error u64, then the value u64, or of text its length u32 and
 * its bytes. False without memory.
 */
export function topFinish(callPtr: u32, acc: u32, outPtr: u32): bool {
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  const isText = load<u32>(callPtr, AGGREGATE_TYPE) == VIEW;
  const sorted = transientBytes(blobs, TOP_BYTES);
  if (sorted == 0) return false;
  memory.copy(sorted, acc, TOP_BYTES);
  // A copy of the counters: sorting must not be seen in the state.
  const bytes = used(acc) * COUNTER_BYTES;
  const counters = transientBytes(blobs, max<u32>(16, bytes));
  const out = transientBytes(blobs, bytes + 16 + (isText ? blobLength(acc + TEXTS) : 0));
  if (counters == 0 || out == 0) return false;
  memory.copy(counters, blobPtr(acc), bytes);
  blobAt(sorted, counters);
  sortCounters(blobs, sorted, isText);
  let to = out;
  const wanted = min<u32>(used(acc), <u32>load<f64>(callPtr, AGGREGATE_PARAMETER));
  for (let i: u32 = 0; i < wanted; i++) {
    const counter = counters + i * COUNTER_BYTES;
    store<u64>(to, load<u64>(counter, COUNT));
    store<u64>(to, load<u64>(counter, ERROR), 8);
    const text = isText ? keptText(load<u64>(counter), acc + TEXTS) : 0;
    const size: u32 = isText ? 4 + load<u32>(text) : 8;
    memory.copy(to + 16, isText ? text : counter, size);
    to += 16 + size;
  }
  store<u32>(outPtr, out);
  store<u32>(outPtr, to - out, 4);
  return true;
}
