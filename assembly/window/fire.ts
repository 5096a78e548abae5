/**
 * Firing: the rows of one window, from the slices that it is made of, a bounded number at a time.
 *
 *             windowDue                fireNext > 0            fireNext == 0
 *   idle -----------------> active --------------> active ------------------> idle, slices without
 *                                                                             a window left are dropped
 *
 * One step takes a range of hashes, collects the entries in it from all slices of the window in time order, sorts them
 * by (hash, key, time), and merges those of one key in time order (narrow entries after they were widened).
 *
 * Invariants
 *  1. Rows come in the order of (hash, key), whatever the tables look like in memory.
 *  2. Where firing stands is part of the state record, so a snapshot between two steps continues after a restore at the
 *     next row. Nothing is dropped before the call that answers 0: string keys point into state until then.
 *  3. A key's floats are added in time order of slices: ((s0 + s1) + s2) + ...
 * Not here: which window is due next (aggregate.ts), results of one aggregate (aggregate/).
 */
import { BOOL, I32, OUT_OF_MEMORY } from '../abi';
import { blobsFull, blobsReset } from '../aggregate/blob';
import { aggregateFinish, aggregateMerge, aggregateResultType, PRESENT } from '../aggregate/registry';
import { compareKeys, hashOfEntry, KEY_BYTES, keyBytesPtr } from '../hash/key';
import {
  capacityOf,
  directoryIndex,
  keyBytesOf,
  rowsOf,
  SEGMENT_HEADER,
  slotClass,
  slotDepth,
  slotSegment,
  TABLE_DEPTH,
  TABLE_DIRECTORY,
  TABLE_ENTRY_BYTES,
  TABLE_TAG,
} from '../hash/table';
import { resolve, statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { dueEnd, setFiredThrough } from './aggregate';
import { widenEntry } from './narrow';
import {
  AGGREGATE_CODE,
  AGGREGATE_NULLABLE,
  AGGREGATE_OFFSET,
  AGGREGATE_OUT_VALIDITY,
  AGGREGATE_OUT_VALUES,
  AGGREGATE_TYPE,
  FIRE_ENTRIES,
  FIRE_ENTRIES_MAX,
  FIRE_MERGED,
  FIRE_ORDER,
  FIRE_ORDER_SPARE,
  FIRE_WIDENED,
  KEY_NONE,
  PLAN_AGGREGATE_COUNT,
  PLAN_BLOBS,
  PLAN_ENTRY_BYTES,
  PLAN_FAILED,
  PLAN_KEY_KIND,
  PLAN_KEY_TYPE,
  PLAN_OUT_ENDS,
  PLAN_OUT_KEYS,
  PLAN_OUT_STARTS,
  PLAN_SCRATCH,
  PLAN_SIZE_MS,
  PLAN_SLIDE_MS,
  PLAN_STATE,
  PLAN_STATUS,
  planAggregate,
  SCRATCH_RESULT,
} from './plan';
import {
  dropSlicesBefore,
  FIRE_ACTIVE,
  FIRE_END,
  FIRE_HASH,
  FIRE_SKIP,
  FIRED_THROUGH,
  NARROW,
  sliceAtOrAfter,
  sliceTable,
  TABLE_KINDS,
} from './slices';
import { sortOrder } from './sort';

// FIRE_ACTIVE
const IDLE: u32 = 0;
const RUNNING: u32 = 1;
const EXHAUSTED: u32 = 2;

const HASHES: u64 = 1 << 32;

/**
 * 1 when a window is due at this watermark or already firing, and starts firing it: call fireNext until it answers 0,
 * then ask again. 0 when none is: the state then knows that nothing at or below the watermark fires any more.
 */
export function windowDue(planPtr: u32, watermark: f64): i32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  const record = statePtr(state);
  if (load<u32>(record, FIRE_ACTIVE) != IDLE) return 1;
  const end = dueEnd(planPtr, state, load<i64>(record, FIRED_THROUGH));
  if (end - 1 > <i64>watermark) {
    setFiredThrough(state, <i64>watermark);
    return 0;
  }
  touchRange(record, 64);
  store<i64>(record, end, FIRE_END);
  store<u32>(record, RUNNING, FIRE_ACTIVE);
  store<u32>(record, 0, FIRE_HASH);
  store<u32>(record, 0, FIRE_SKIP);
  return 1;
}

/** Whether a window is being fired (also one that a restore brought back). */
export function windowFiring(state: u32): u32 {
  return u32(load<u32>(statePtr(state), FIRE_ACTIVE) != IDLE);
}

/**
 * Writes up to `maxRows` rows of the firing window to the plan's output columns. Returns how many; 0 ends the firing.
 * OVERFLOW when an integer sum does not fit (PLAN_FAILED names the aggregate), OUT_OF_MEMORY when more keys share one
 * hash than a step can hold, or when there is none for what is merged.
 */
export function fireNext(planPtr: u32, maxRows: u32): i32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  const record = statePtr(state);
  touchRange(record, 64);
  store<i32>(planPtr, 0, PLAN_STATUS);
  blobsReset(load<u32>(planPtr, PLAN_BLOBS));
  while (load<u32>(record, FIRE_ACTIVE) == RUNNING) {
    const rows = fireRange(planPtr, record, maxRows);
    if (rows != 0) return rows;
  }
  const end = load<i64>(record, FIRE_END);
  store<u32>(record, IDLE, FIRE_ACTIVE);
  setFiredThrough(state, end - 1);
  dropSlicesBefore(state, end - load<i64>(planPtr, PLAN_SIZE_MS) + load<i64>(planPtr, PLAN_SLIDE_MS));
  return 0;
}

/** Fires the hashes from FIRE_HASH to the end of the segments that hold it, or as many as fit. */
function fireRange(planPtr: u32, record: u32, maxRows: u32): i32 {
  const from = load<u32>(record, FIRE_HASH);
  const end = load<i64>(record, FIRE_END);
  const state = load<u32>(planPtr, PLAN_STATE);
  const first = sliceAtOrAfter(state, end - load<i64>(planPtr, PLAN_SIZE_MS));
  const last = sliceAtOrAfter(state, end);
  let to = rangeEnd(state, first, last, from);
  let count = collect(planPtr, state, first, last, from, to);
  while (count > FIRE_ENTRIES_MAX) {
    if (to - from == 1) return OUT_OF_MEMORY;
    to = <u64>from + ((to - from) >> 1);
    count = collect(planPtr, state, first, last, from, to);
  }
  const order = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ORDER;
  const sorted = sortOrder(order, load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ORDER_SPARE, count);
  sortTies(planPtr, sorted, count);
  return emitGroups(planPtr, record, sorted, count, to, maxRows);
}

/** End of the range of hashes, exclusive, over which every slice has only one segment. */
function rangeEnd(state: u32, first: u32, last: u32, hash: u32): u64 {
  let end = HASHES;
  for (let i = first; i < last; i++) {
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const ref = sliceTable(state, i, kind);
      if (ref == 0) continue;
      const table = resolve(ref);
      const slot = load<u32>(table + TABLE_DIRECTORY + (directoryIndex(hash, load<u32>(table, TABLE_DEPTH)) << 2));
      const span = HASHES >> slotDepth(slot);
      end = min<u64>(end, (<u64>hash & ~(span - 1)) + span);
    }
  }
  return end;
}

/** Collects entries with hashes in [from, to), slices in time order. Counts on beyond what fits, without writing. */
function collect(planPtr: u32, state: u32, first: u32, last: u32, from: u32, to: u64): u32 {
  let count: u32 = 0;
  for (let i = first; i < last; i++) {
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const table = sliceTable(state, i, kind);
      if (table != 0) count = collectTable(planPtr, resolve(table), kind, from, to, count);
    }
  }
  return count;
}

/** The same of one table; addresses of narrow entries are marked by their lowest bit. */
function collectTable(planPtr: u32, table: u32, kind: u32, from: u32, to: u64, before: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const tag = load<u32>(table, TABLE_TAG);
  const slot = load<u32>(table + TABLE_DIRECTORY + (directoryIndex(from, load<u32>(table, TABLE_DEPTH)) << 2));
  const start = resolve(slotSegment(slot)) + SEGMENT_HEADER;
  const end = start + capacityOf(table, slotClass(slot)) * entryBytes;
  let count = before;
  for (let entry = start; entry < end; entry += entryBytes) {
    if (load<u32>(entry + tag) == 0) continue;
    const hash = hashOfEntry(keyKind, entry);
    if (hash < from || <u64>hash >= to) continue;
    if (count < FIRE_ENTRIES_MAX) {
      store<u64>(scratch + FIRE_ORDER + (count << 3), ((<u64>hash) << 32) | <u64>count);
      store<u32>(scratch + FIRE_ENTRIES + (count << 2), entry | kind);
    }
    count++;
  }
  return count;
}

function orderHash(orderPtr: u32, i: u32): u32 {
  return load<u32>(orderPtr + (i << 3), 4);
}

/** Address of an entry, with its mark. */
function orderMarked(planPtr: u32, orderPtr: u32, i: u32): u32 {
  return load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ENTRIES + (load<u32>(orderPtr + (i << 3)) << 2));
}

function orderEntry(planPtr: u32, orderPtr: u32, i: u32): u32 {
  return orderMarked(planPtr, orderPtr, i) & ~1;
}

/** The entry as a wide one: itself, or written to `scratchPtr`. */
function orderWide(planPtr: u32, orderPtr: u32, i: u32, scratchPtr: u32): u32 {
  const marked = orderMarked(planPtr, orderPtr, i);
  if ((marked & 1) == NARROW) {
    widenEntry(planPtr, marked & ~1, scratchPtr);
    return scratchPtr;
  }
  return marked;
}

/**
 * Sorts runs of one hash by key; equal keys stay in time order. Such runs are short unless hashes were made to collide.
 */
function sortTies(planPtr: u32, orderPtr: u32, count: u32): void {
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  for (let i: u32 = 1; i < count; i++) {
    if (orderHash(orderPtr, i) != orderHash(orderPtr, i - 1)) continue;
    const item = load<u64>(orderPtr + (i << 3));
    const entry = orderEntry(planPtr, orderPtr, i);
    let j = i;
    while (j > 0 && orderHash(orderPtr, j - 1) == <u32>(item >> 32)) {
      if (compareKeys(keyKind, orderEntry(planPtr, orderPtr, j - 1), entry) <= 0) break;
      store<u64>(orderPtr + (j << 3), load<u64>(orderPtr + (j << 3) - 8));
      j--;
    }
    store<u64>(orderPtr + (j << 3), item);
  }
}

/** Writes one row per key and moves the cursor behind the last one written. */
function emitGroups(planPtr: u32, record: u32, orderPtr: u32, count: u32, to: u64, maxRows: u32): i32 {
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  let skip = load<u32>(record, FIRE_SKIP);
  let hash = load<u32>(record, FIRE_HASH);
  let inHash: u32 = 0;
  let rows: u32 = 0;
  let i: u32 = 0;
  while (i < count && rows < maxRows && !blobsFull(load<u32>(planPtr, PLAN_BLOBS))) {
    const first = orderEntry(planPtr, orderPtr, i);
    if (orderHash(orderPtr, i) != hash) {
      hash = orderHash(orderPtr, i);
      inHash = 0;
      skip = 0;
    }
    let last = i + 1;
    while (last < count && orderHash(orderPtr, last) == hash) {
      if (compareKeys(keyKind, first, orderEntry(planPtr, orderPtr, last)) != 0) break;
      last++;
    }
    if (inHash >= skip) {
      if (!emitRow(planPtr, record, orderPtr, i, last, rows)) return load<i32>(planPtr, PLAN_STATUS);
      rows++;
    }
    inHash++;
    i = last;
  }
  if (i < count) {
    store<u32>(record, hash, FIRE_HASH);
    store<u32>(record, inHash, FIRE_SKIP);
  } else {
    store<u32>(record, <u32>to, FIRE_HASH);
    store<u32>(record, 0, FIRE_SKIP);
    if (to == HASHES) store<u32>(record, EXHAUSTED, FIRE_ACTIVE);
  }
  return rows;
}

/** Merges the entries [first, last) of one key and writes row `row`. False with a status when that cannot be. */
function emitRow(planPtr: u32, record: u32, orderPtr: u32, first: u32, last: u32, row: u32): bool {
  const merged = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_MERGED;
  const widened = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_WIDENED;
  writeKey(planPtr, orderEntry(planPtr, orderPtr, first), row);
  let entry = orderWide(planPtr, orderPtr, first, merged);
  if (last - first > 1) {
    if (entry != merged) memory.copy(merged, entry, load<u32>(planPtr, PLAN_ENTRY_BYTES));
    for (let i = first + 1; i < last; i++) mergeEntry(planPtr, merged, orderWide(planPtr, orderPtr, i, widened));
    entry = merged;
  }
  const end = load<i64>(record, FIRE_END);
  const starts = load<u32>(planPtr, PLAN_OUT_STARTS);
  const ends = load<u32>(planPtr, PLAN_OUT_ENDS);
  if (starts != 0) store<i64>(starts + (row << 3), end - load<i64>(planPtr, PLAN_SIZE_MS));
  if (ends != 0) store<i64>(ends + (row << 3), end);
  return load<i32>(planPtr, PLAN_STATUS) == 0 && writeResults(planPtr, entry, row);
}

function mergeEntry(planPtr: u32, into: u32, from: u32): void {
  const keyBytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  store<u64>(into + keyBytes, load<u64>(into + keyBytes) + rowsOf(load<u64>(from + keyBytes)));
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    let offset = load<u32>(aggregate, AGGREGATE_OFFSET);
    if (load<u32>(aggregate, AGGREGATE_NULLABLE) != 0) {
      store<u64>(into + offset, load<u64>(into + offset) + load<u64>(from + offset));
      offset += 8;
    }
    if (!aggregateMerge(aggregate, into + offset, from + offset)) store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
  }
}

export function writeKey(planPtr: u32, entry: u32, row: u32): void {
  const type = load<u32>(planPtr, PLAN_KEY_TYPE);
  const out = load<u32>(planPtr, PLAN_OUT_KEYS);
  if (type == KEY_NONE || out == 0) return;
  if (load<u32>(planPtr, PLAN_KEY_KIND) == KEY_BYTES) {
    store<u32>(out + (row << 3), keyBytesPtr(entry));
    store<u32>(out + (row << 3), load<u32>(entry, 4), 4);
  } else {
    writeNarrow(type, out, row, load<u64>(entry));
  }
}

function writeNarrow(type: u32, out: u32, row: u32, bits: u64): void {
  if (type == I32) store<i32>(out + (row << 2), <i32>bits);
  else if (type == BOOL) store<u8>(out + row, <u8>bits);
  else store<u64>(out + (row << 3), bits);
}

/**
 * Writes all results of an entry to row `row` of the output columns, with validity where a column has it. False, with
 * the status OVERFLOW or OUT_OF_MEMORY, when one cannot be written.
 */
export function writeResults(planPtr: u32, entry: u32, row: u32): bool {
  const rows = rowsOf(load<u64>(entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND))));
  const result = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_RESULT;
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const code = load<u32>(aggregate, AGGREGATE_CODE);
    const type = load<u32>(aggregate, AGGREGATE_TYPE);
    const offset = load<u32>(aggregate, AGGREGATE_OFFSET);
    const nullable = load<u32>(aggregate, AGGREGATE_NULLABLE);
    const count = nullable != 0 ? load<u64>(entry + offset) : rows;
    store<u64>(result, 0);
    const ended = aggregateFinish(aggregate, entry + offset + (nullable << 3), count, result);
    if (ended < 0) {
      store<i32>(planPtr, ended, PLAN_STATUS);
      store<u32>(planPtr, i, PLAN_FAILED);
      return false;
    }
    const resultType = aggregateResultType(code, type);
    writeNarrow(resultType, load<u32>(aggregate, AGGREGATE_OUT_VALUES), row, load<u64>(result));
    setValid(load<u32>(aggregate, AGGREGATE_OUT_VALIDITY), row, ended == PRESENT);
  }
  return true;
}

function setValid(validityPtr: u32, row: u32, valid: bool): void {
  if (validityPtr == 0) return;
  const ptr = validityPtr + (row >> 3);
  const bit: u32 = 1 << (row & 7);
  const byte = <u32>load<u8>(ptr);
  store<u8>(ptr, <u8>(valid ? byte | bit : byte & ~bit));
}
