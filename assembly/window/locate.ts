/**
 * From the rows of a run to the entries of their keys, a mini-batch at a time: first all hashes, then all first
 * candidates, then the comparisons, so that cache misses of many rows overlap.
 *
 * Invariants
 *  1. Inserting moves no entry of a segment; candidates stay right until the segment of a row is full.
 *  2. Every entry that is answered has been announced to the write barrier as a whole, and has counted its row.
 * Not here: growing a full segment (hash/table.ts, called by aggregate.ts).
 */
import { BOOL, columnValues, F64, I32, I64, VIEW } from '../abi';
import { hashInt64 } from '../hash/hash';
import { INLINE_BYTES, KEY_BYTES, KEY_IMAGE_BYTES, keyEquals, keyImage, slabStore } from '../hash/key';
import {
  capacityOf,
  directoryIndex,
  OCCUPIED,
  OCCUPIED_NARROW,
  SEGMENT_COUNT,
  SEGMENT_HEADER,
  SEGMENT_LIMIT,
  slotClass,
  slotDepth,
  slotSegment,
  startPosition,
  TABLE_DEPTH,
  TABLE_DIRECTORY,
  TABLE_ENTRY_BYTES,
  TABLE_TAG,
} from '../hash/table';
import { regionTable, resolve, resolveIn } from '../memory/arena';
import { BLOCK_BYTES, touchPair, touchRange, touchSpan } from '../memory/barrier';
import { statusBase } from '../memory/frames';
import { copyWords } from '../memory/words';
import {
  KEY_NONE,
  PLAN_KEY_COLUMN,
  PLAN_KEY_KIND,
  PLAN_KEY_TYPE,
  PLAN_NARROW_TEMPLATE,
  PLAN_NEW_KEYS,
  PLAN_SCRATCH,
  PLAN_TEMPLATE,
  SCRATCH_CANDIDATES,
  SCRATCH_ENTRIES,
  SCRATCH_HASHES,
  SCRATCH_KEY_BYTES,
  SCRATCH_KEYS,
  SCRATCH_RESULT,
  SCRATCH_ROWS,
  SCRATCH_SOME_ROWS,
} from './plan';

/** Segments of a table, u64, up to half as many as rows; here nobody picks rows yet. */
const SCRATCH_SPANS: u32 = SCRATCH_SOME_ROWS;
const CANONICAL_NAN: i64 = 0x7ff8000000000000;

// What inserting answers instead of an entry.
const SEGMENT_FULL: u32 = 0;
const NO_MEMORY: u32 = 1;

/** How finding ended before the last row: row `index` needs a larger segment, or memory is used up. */
export const FIND_OUT_OF_MEMORY: u32 = 0x80000000;

/** Reads the keys of the run's rows: key images (or int64 values) and hashes. */
export function readKeys(planPtr: u32, n: u32): void {
  const type = load<u32>(planPtr, PLAN_KEY_TYPE);
  const values = columnValues(planPtr + PLAN_KEY_COLUMN);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  if (type == VIEW) {
    for (let k: u32 = 0; k < n; k++) {
      const view = values + (load<u32>(scratch + SCRATCH_ROWS + (k << 2)) << 3);
      const image = scratch + SCRATCH_KEYS + k * KEY_IMAGE_BYTES;
      const hash = inline.always(keyImage(load<u32>(view), load<u32>(view, 4), image));
      store<u32>(scratch + SCRATCH_KEY_BYTES + (k << 2), load<u32>(view));
      store<u32>(scratch + SCRATCH_HASHES + (k << 2), hash);
    }
  } else if (type == I64) {
    for (let k: u32 = 0; k < n; k++) {
      storeKey(scratch, k, load<i64>(values + (load<u32>(scratch + SCRATCH_ROWS + (k << 2)) << 3)));
    }
  } else {
    for (let k: u32 = 0; k < n; k++) {
      storeKey(scratch, k, integerKey(type, values, load<u32>(scratch + SCRATCH_ROWS + (k << 2))));
    }
  }
}

function storeKey(scratch: u32, k: u32, key: i64): void {
  store<i64>(scratch + SCRATCH_KEYS + (k << 3), key);
  store<u32>(scratch + SCRATCH_HASHES + (k << 2), hashInt64(key));
}

/** Keys of fixed width as int64. Floats by their bits, with one zero and one NaN. */
function integerKey(type: u32, valuesPtr: u32, row: u32): i64 {
  if (type == KEY_NONE) return 0;
  if (type == I32) return <i64>load<i32>(valuesPtr + (row << 2));
  if (type == BOOL) return <i64>load<u8>(valuesPtr + row);
  const bits = load<i64>(valuesPtr + (row << 3));
  if (type != F64) return bits;
  const value = reinterpret<f64>(bits);
  return value != value ? CANONICAL_NAN : value == 0 ? 0 : bits;
}

/** The first candidate of each row in [from, n). It is read once, for nothing: so the cache misses of rows overlap. */
export function locate(planPtr: u32, tableRef: u32, from: u32, n: u32): void {
  const table = resolve(tableRef);
  const regions = regionTable();
  const depth = load<u32>(table, TABLE_DEPTH);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const end = n << 2;
  let k = from << 2;
  let read: u64 = 0;
  // With several rows a segment it pays to look segments up before rows.
  if ((n - from) >> depth > 1) {
    const spans = scratch + SCRATCH_SPANS;
    for (let i: u32 = 0; i < (<u32>1) << depth; i++) store<u64>(spans + (i << 3), spanOf(regions, table, i));
    for (; k < end; k += 4) {
      const hash = load<u32>(scratch + SCRATCH_HASHES + k);
      const span = load<u64>(spans + (directoryIndex(hash, depth) << 3));
      const candidate = inline.always(candidateIn(span, hash, entryBytes));
      store<u32>(scratch + SCRATCH_CANDIDATES + k, candidate);
      read ^= load<u64>(candidate);
    }
  }
  for (; k < end; k += 4) {
    const hash = load<u32>(scratch + SCRATCH_HASHES + k);
    const candidate = candidateIn(spanOf(regions, table, directoryIndex(hash, depth)), hash, entryBytes);
    store<u32>(scratch + SCRATCH_CANDIDATES + k, candidate);
    read ^= load<u64>(candidate);
  }
  // Kept, so that reading is not left out.
  store<u64>(scratch + SCRATCH_RESULT, read);
}

/** A segment by its place in the directory: capacity << 37 | depth << 32 | where its first entry lies. */
function spanOf(regionsPtr: u32, tablePtr: u32, index: u32): u64 {
  const slot = load<u32>(tablePtr + TABLE_DIRECTORY + (index << 2));
  const shape = (capacityOf(tablePtr, slotClass(slot)) << 5) | slotDepth(slot);
  return ((<u64>shape) << 32) | <u64>(resolveIn(regionsPtr, slotSegment(slot)) + SEGMENT_HEADER);
}

function candidateIn(span: u64, hash: u32, entryBytes: u32): u32 {
  const capacity = <u32>(span >> 37);
  return <u32>span + startPosition(hash, <u32>(span >> 32) & 31, capacity) * entryBytes;
}

/**
 * Finds or inserts the keys of rows [from, n) and counts each row in its entry. Returns n, or the row at which a
 * segment
 * is full, or (FIND_OUT_OF_MEMORY | row).
 */
export function findOrInsert(planPtr: u32, tableRef: u32, from: u32, n: u32): u32 {
  if (load<u32>(planPtr, PLAN_KEY_KIND) == KEY_BYTES) return findBytes(planPtr, tableRef, from, n);
  const table = resolve(tableRef);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const tag = load<u32>(table, TABLE_TAG);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const status = statusBase();
  const isWide = entryBytes > BLOCK_BYTES;
  for (let k = from; k < n; k++) {
    const key = load<i64>(scratch + SCRATCH_KEYS + (k << 3));
    let entry = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    while (load<i64>(entry) != key && load<u32>(entry + tag) != 0) entry += entryBytes;
    if (load<u32>(entry + tag) == 0) {
      entry = insertInt64(planPtr, table, entry, key, load<u32>(scratch + SCRATCH_HASHES + (k << 2)));
      if (entry <= NO_MEMORY) return entry == SEGMENT_FULL ? k : k | FIND_OUT_OF_MEMORY;
    }
    if (isWide) touchSpan(status, entry, entry + entryBytes - 1);
    else inline.always(touchPair(status, entry, entry + entryBytes - 1));
    if (tag == 8) store<u32>(entry, load<u32>(entry, 8) + 1, 8);
    else store<u64>(entry, load<u64>(entry, 8) + 1, 8);
    store<u32>(scratch + SCRATCH_ENTRIES + (k << 2), entry);
  }
  return n;
}

function findBytes(planPtr: u32, tableRef: u32, from: u32, n: u32): u32 {
  const table = resolve(tableRef);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const tag = load<u32>(table, TABLE_TAG);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const status = statusBase();
  const isWide = entryBytes > BLOCK_BYTES;
  for (let k = from; k < n; k++) {
    const image = scratch + SCRATCH_KEYS + k * KEY_IMAGE_BYTES;
    let entry = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    if (!inline.always(isInline(entry, image))) {
      entry = findFurther(planPtr, table, entry, k);
      if (entry <= NO_MEMORY) return entry == SEGMENT_FULL ? k : k | FIND_OUT_OF_MEMORY;
    }
    if (isWide) touchSpan(status, entry, entry + entryBytes - 1);
    else inline.always(touchPair(status, entry, entry + entryBytes - 1));
    if (tag == KEY_IMAGE_BYTES) store<u32>(entry, load<u32>(entry, KEY_IMAGE_BYTES) + 1, KEY_IMAGE_BYTES);
    else store<u64>(entry, load<u64>(entry, KEY_IMAGE_BYTES) + 1, KEY_IMAGE_BYTES);
    store<u32>(scratch + SCRATCH_ENTRIES + (k << 2), entry);
  }
  return n;
}

/**
 * Whether an entry holds the key of an image inside itself. Longer keys differ in the last word;
 * an empty entry is of no key, because no image is all zeros.
 */
function isInline(entry: u32, image: u32): bool {
  const differs = v128.any_true(v128.xor(v128.load(entry, 8), v128.load(image, 8)));
  return (u32(differs) | u32(load<u64>(entry) != load<u64>(image))) == 0;
}

/** The entry of the key of row `k` from this candidate on, or where it is inserted; SEGMENT_FULL, NO_MEMORY. */
function findFurther(planPtr: u32, table: u32, candidate: u32, k: u32): u32 {
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const image = scratch + SCRATCH_KEYS + k * KEY_IMAGE_BYTES;
  const bytes = load<u32>(scratch + SCRATCH_KEY_BYTES + (k << 2));
  const tag = load<u32>(table, TABLE_TAG);
  let entry = candidate;
  while (load<u32>(entry + tag) != 0) {
    if (keyEquals(entry, image, bytes)) return entry;
    entry += entryBytes;
  }
  return insertBytes(planPtr, table, entry, image, bytes);
}

/** The entry of the key of the run's first row, 0 when the table has none. */
export function findEntry(planPtr: u32, tableRef: u32): u32 {
  locate(planPtr, tableRef, 0, 1);
  const table = resolve(tableRef);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const tag = load<u32>(table, TABLE_TAG);
  const image = scratch + SCRATCH_KEYS;
  const bytes = load<u32>(scratch + SCRATCH_KEY_BYTES);
  const slot = slotOf(table, load<u32>(scratch + SCRATCH_HASHES));
  const first = resolve(slotSegment(slot)) + SEGMENT_HEADER;
  const end = first + capacityOf(table, slotClass(slot)) * entryBytes;
  let entry = load<u32>(scratch + SCRATCH_CANDIDATES);
  while (load<u32>(entry + tag) != 0) {
    if (keyKind == KEY_BYTES ? keyEquals(entry, image, bytes) : load<i64>(entry) == load<i64>(image)) return entry;
    entry += entryBytes;
    if (entry == end) entry = first;
  }
  return 0;
}

function slotOf(tablePtr: u32, hash: u32): u32 {
  return load<u32>(tablePtr + TABLE_DIRECTORY + (directoryIndex(hash, load<u32>(tablePtr, TABLE_DEPTH)) << 2));
}

/**
 * Finds the key from the first free entry of its probe sequence on (which may only be the one behind the last), or
 * inserts it.
 */
function insertInt64(planPtr: u32, tablePtr: u32, freePtr: u32, key: i64, hash: u32): u32 {
  const entryBytes = load<u32>(tablePtr, TABLE_ENTRY_BYTES);
  const tag = load<u32>(tablePtr, TABLE_TAG);
  const slot = slotOf(tablePtr, hash);
  const segment = resolve(slotSegment(slot));
  const first = segment + SEGMENT_HEADER;
  const end = first + capacityOf(tablePtr, slotClass(slot)) * entryBytes;
  let entry = freePtr == end ? first : freePtr;
  while (load<u32>(entry + tag) != 0) {
    if (load<i64>(entry) == key) return entry;
    entry += entryBytes;
    if (entry == end) entry = first;
  }
  if (load<u32>(segment, SEGMENT_COUNT) >= load<u32>(segment, SEGMENT_LIMIT)) return SEGMENT_FULL;
  occupy(planPtr, segment, entry, entryBytes, 8, tag == 8);
  store<i64>(entry, key);
  return entry;
}

/** The same for a key of bytes. */
function insertBytes(planPtr: u32, tablePtr: u32, freePtr: u32, image: u32, bytes: u32): u32 {
  const entryBytes = load<u32>(tablePtr, TABLE_ENTRY_BYTES);
  const tag = load<u32>(tablePtr, TABLE_TAG);
  const slot = slotOf(tablePtr, load<u32>(image));
  const segment = resolve(slotSegment(slot));
  const first = segment + SEGMENT_HEADER;
  const end = first + capacityOf(tablePtr, slotClass(slot)) * entryBytes;
  let entry = freePtr == end ? first : freePtr;
  while (load<u32>(entry + tag) != 0) {
    if (keyEquals(entry, image, bytes)) return entry;
    entry += entryBytes;
    if (entry == end) entry = first;
  }
  if (load<u32>(segment, SEGMENT_COUNT) >= load<u32>(segment, SEGMENT_LIMIT)) return SEGMENT_FULL;
  const length = load<u32>(image, 4);
  let stored: u32 = 0;
  if (length > INLINE_BYTES) {
    stored = slabStore(tablePtr, bytes, length);
    if (stored == 0) return NO_MEMORY;
  }
  occupy(planPtr, segment, entry, entryBytes, KEY_IMAGE_BYTES, tag == KEY_IMAGE_BYTES);
  copyWords(entry, image, KEY_IMAGE_BYTES);
  if (length > INLINE_BYTES) store<u64>(entry, <u64>stored, 16);
  return entry;
}

/** Makes a free entry one that has seen nothing. */
function occupy(planPtr: u32, segmentPtr: u32, entryPtr: u32, entryBytes: u32, keyBytes: u32, isNarrow: bool): void {
  touchRange(segmentPtr, 8);
  store<u32>(segmentPtr, load<u32>(segmentPtr, SEGMENT_COUNT) + 1, SEGMENT_COUNT);
  touchRange(entryPtr, entryBytes);
  const template = isNarrow ? load<u32>(planPtr, PLAN_NARROW_TEMPLATE) : load<u32>(planPtr, PLAN_TEMPLATE);
  copyWords(entryPtr + keyBytes, template + keyBytes, entryBytes - keyBytes);
  if (isNarrow) store<u32>(entryPtr + keyBytes, OCCUPIED_NARROW);
  else store<u64>(entryPtr + keyBytes, OCCUPIED);
  store<u32>(planPtr, load<u32>(planPtr, PLAN_NEW_KEYS) + 1, PLAN_NEW_KEYS);
}
