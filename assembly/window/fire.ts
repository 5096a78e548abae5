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
import { INSERT, OUT_OF_MEMORY } from '../abi';
import { blobsFull, blobsReset } from '../aggregate/blob';
import { compareKeys, hashOfEntry } from '../hash/key';
import {
  capacityOf,
  directoryIndex,
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
import { delayed, dueLabel, setFiredThrough } from './aggregate';
import { widenEntry } from './narrow';
import {
  FIRE_ENTRIES,
  FIRE_ENTRIES_MAX,
  FIRE_MERGED,
  FIRE_ORDER,
  FIRE_ORDER_SPARE,
  FIRE_WIDENED,
  PLAN_BLOBS,
  PLAN_ENTRY_BYTES,
  PLAN_FIRE_START,
  PLAN_FIRE_STOP,
  PLAN_KEY_KIND,
  PLAN_LATENESS_MS,
  PLAN_OUT_KINDS,
  PLAN_RESULTS,
  PLAN_SCRATCH,
  PLAN_SLIDE_MS,
  PLAN_STATE,
  PLAN_STATUS,
  RESULTS_DISCARDING,
} from './plan';
import { mergeEntry, writeBounds, writeKey, writeResults } from './result';
import { count } from './run';
import {
  dropSlicesBefore,
  FIRE_ACTIVE,
  FIRE_END,
  FIRE_HASH,
  FIRE_SKIP,
  FIRED_THROUGH,
  NARROW,
  sliceAtOrAfter,
  sliceCount,
  sliceTable,
  TABLE_KINDS,
} from './slices';
import { sortOrder } from './sort';
import { firstOpenSlice, instantOf, isSameWindow, startOf } from './time';

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
  const through = delayed(planPtr, <i64>watermark);
  const end = dueLabel(planPtr, state, load<i64>(record, FIRED_THROUGH));
  if (end == i64.MAX_VALUE || instantOf(planPtr, end) - 1 > through) {
    setFiredThrough(state, through);
    dropPassed(planPtr, state);
    return 0;
  }
  startFiring(record, end);
  return 1;
}

function startFiring(record: u32, end: i64): void {
  touchRange(record, 64);
  store<i64>(record, end, FIRE_END);
  store<u32>(record, RUNNING, FIRE_ACTIVE);
  store<u32>(record, 0, FIRE_HASH);
  store<u32>(record, 0, FIRE_SKIP);
}

/** Drops the slices that no row can reach any more. */
function dropPassed(planPtr: u32, state: u32): void {
  const lateness = load<u32>(planPtr, PLAN_RESULTS) == RESULTS_DISCARDING ? 0 : load<i64>(planPtr, PLAN_LATENESS_MS);
  const through = load<i64>(statePtr(state), FIRED_THROUGH);
  if (sliceCount(state) != 0) dropSlicesBefore(state, firstOpenSlice(planPtr, through - lateness));
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
  const end = load<i64>(record, FIRE_END);
  const stop = instantOf(planPtr, end);
  store<i64>(planPtr, instantOf(planPtr, startOf(planPtr, end)), PLAN_FIRE_START);
  store<i64>(planPtr, stop, PLAN_FIRE_STOP);
  while (load<u32>(record, FIRE_ACTIVE) == RUNNING) {
    const rows = fireRange(planPtr, record, maxRows);
    if (rows != 0) return rows;
  }
  const slide = load<i64>(planPtr, PLAN_SLIDE_MS);
  let next = end + slide;
  // Where clocks are put forward, several windows end at once; cumulating ones are then the same window.
  while (instantOf(planPtr, next) == stop && startOf(planPtr, next) < end) {
    if (!isSameWindow(planPtr, end, next)) {
      startFiring(record, next);
      return fireNext(planPtr, maxRows);
    }
    next += slide;
  }
  store<u32>(record, IDLE, FIRE_ACTIVE);
  setFiredThrough(state, stop - 1);
  dropPassed(planPtr, state);
  return 0;
}

/** Fires the hashes from FIRE_HASH to the end of the segments that hold it, or as many as fit. */
function fireRange(planPtr: u32, record: u32, maxRows: u32): i32 {
  const from = load<u32>(record, FIRE_HASH);
  const end = load<i64>(record, FIRE_END);
  const state = load<u32>(planPtr, PLAN_STATE);
  const first = sliceAtOrAfter(state, startOf(planPtr, end));
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
      if (!emitRow(planPtr, orderPtr, i, last, rows)) return load<i32>(planPtr, PLAN_STATUS);
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
function emitRow(planPtr: u32, orderPtr: u32, first: u32, last: u32, row: u32): bool {
  const merged = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_MERGED;
  const widened = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_WIDENED;
  writeKey(planPtr, orderEntry(planPtr, orderPtr, first), row);
  let entry = orderWide(planPtr, orderPtr, first, merged);
  if (last - first > 1) {
    if (entry != merged) memory.copy(merged, entry, load<u32>(planPtr, PLAN_ENTRY_BYTES));
    for (let i = first + 1; i < last; i++) mergeEntry(planPtr, merged, orderWide(planPtr, orderPtr, i, widened));
    entry = merged;
  }
  writeBounds(planPtr, row, load<i64>(planPtr, PLAN_FIRE_START), load<i64>(planPtr, PLAN_FIRE_STOP));
  if (load<u32>(planPtr, PLAN_OUT_KINDS) != 0) store<u8>(load<u32>(planPtr, PLAN_OUT_KINDS) + row, INSERT);
  return load<i32>(planPtr, PLAN_STATUS) == 0 && writeResults(planPtr, entry, row);
}
