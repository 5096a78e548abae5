/**
 * Firing: the rows of one window, from the slices that it is made of, a bounded number at a time.
 *
 *          windowDue              fireNext == 0              fireNext > 0            fireNext == 0
 *   idle -------------> preparing --------------> preparing ------------> running ---------------> idle
 *                                                                            slices without a window left are dropped
 *
 * Preparing brings what overlapping windows share to this window (shared.ts). A step of running takes a range of
 * hashes, collects the entries in it from what is shared, or from all slices of the window in time order, sorts them by
 * (hash, key, time), and merges those of one key (narrow entries after they were widened).
 *
 * Invariants
 *  1. Rows come in the order of (hash, key), whatever the tables look like in memory.
 *  2. Where firing stands is part of the state record, so a snapshot between two steps continues after a restore at the
 *     next row. Nothing is dropped before the call that answers 0: string keys point into state until then.
 *  3. A key's floats are added in the order of fold.ts, whether they are shared or not.
 * Not here: which window is due next (aggregate.ts), results of one aggregate (aggregate/).
 * Long because ranges, groups and their order are one walk, in steps that share where it stands.
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
import { copyWide } from './fold';
import { widenEntry } from './narrow';
import {
  FIRE_EARLIER,
  FIRE_ENTRIES,
  FIRE_ENTRIES_MAX,
  FIRE_LATER,
  FIRE_MERGED,
  FIRE_ORDER,
  FIRE_ORDER_SPARE,
  FIRE_PART,
  FIRE_SHARED,
  FIRE_WIDENED,
  PLAN_BLOBS,
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
import { sharedEntry, sharedOf, sharePrepare } from './shared';
import { SHARED_FRONT, SHARED_PREFIX, sharedForget } from './shared-record';
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
  WIDE,
} from './slices';
import { sortOrder } from './sort';
import { borderOf, firstOpenSlice, instantOf, isSameWindow, startOf } from './time';

// FIRE_ACTIVE
const IDLE: u32 = 0;
const RUNNING: u32 = 1;
const EXHAUSTED: u32 = 2;
/** What its slices hold is being merged. */
const PREPARING: u32 = 3;

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
  store<u32>(record, PREPARING, FIRE_ACTIVE);
  store<u32>(record, 0, FIRE_HASH);
  store<u32>(record, 0, FIRE_SKIP);
}

/** Drops the slices that no row can reach any more. */
function dropPassed(planPtr: u32, state: u32): void {
  const lateness = load<u32>(planPtr, PLAN_RESULTS) == RESULTS_DISCARDING ? 0 : load<i64>(planPtr, PLAN_LATENESS_MS);
  const through = load<i64>(statePtr(state), FIRED_THROUGH);
  if (sliceCount(state) == 0) return;
  dropSlicesBefore(state, firstOpenSlice(planPtr, through - lateness));
  if (sliceCount(state) == 0) sharedForget(state);
}

/** Whether a window is being fired (also one that a restore brought back). */
export function windowFiring(state: u32): u32 {
  return u32(load<u32>(statePtr(state), FIRE_ACTIVE) != IDLE);
}

/**
 * Writes up to `maxRows` rows of the firing window to the plan's output columns. Returns how many; 0 when it has ended,
 * or when a step of its preparation has: windowDue says whether it still fires.
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
  if (load<u32>(record, FIRE_ACTIVE) == PREPARING) {
    if (!sharePrepare(planPtr, state, end)) return 0;
    store<u32>(record, RUNNING, FIRE_ACTIVE);
  }
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
  const shared = sharedOf(planPtr, state, end);
  let to = shared == 0 ? rangeEnd(state, first, last, from) : sharedRangeEnd(shared, from);
  let count = collectRange(planPtr, state, shared, end, from, to);
  while (count > FIRE_ENTRIES_MAX) {
    if (to - from == 1) return OUT_OF_MEMORY;
    to = <u64>from + ((to - from) >> 1);
    count = collectRange(planPtr, state, shared, end, from, to);
  }
  const order = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ORDER;
  sortOrder(order, load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ORDER_SPARE, count);
  sortTies(planPtr, order, count);
  return emitGroups(planPtr, record, order, count, to, maxRows);
}

/** End of the range of hashes, exclusive, over which every slice has only one segment. */
function rangeEnd(state: u32, first: u32, last: u32, hash: u32): u64 {
  let end = HASHES;
  for (let i = first; i < last; i++) {
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const ref = sliceTable(state, i, kind);
      if (ref != 0) end = min<u64>(end, segmentEnd(ref, hash));
    }
  }
  return end;
}

function segmentEnd(ref: u32, hash: u32): u64 {
  const table = resolve(ref);
  const slot = load<u32>(table + TABLE_DIRECTORY + (directoryIndex(hash, load<u32>(table, TABLE_DEPTH)) << 2));
  const span = HASHES >> slotDepth(slot);
  return (<u64>hash & ~(span - 1)) + span;
}

/** The same over the tables that windows share. */
function sharedRangeEnd(shared: u32, hash: u32): u64 {
  const front = segmentEnd(load<u32>(shared, SHARED_FRONT), hash);
  return min<u64>(front, segmentEnd(load<u32>(shared, SHARED_PREFIX), hash));
}

/** Collects what a window has: first all of before its border, FIRE_EARLIER entries, then all of from there on. */
function collectRange(planPtr: u32, state: u32, shared: u32, end: i64, from: u32, to: u64): u32 {
  const start = startOf(planPtr, end);
  const earlier = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_EARLIER;
  store<u32>(load<u32>(planPtr, PLAN_SCRATCH), shared, FIRE_SHARED);
  if (shared != 0) {
    const count = collectTable(planPtr, resolve(load<u32>(shared, SHARED_FRONT)), WIDE, from, to, 0);
    store<u32>(earlier, count);
    return collectTable(planPtr, resolve(load<u32>(shared, SHARED_PREFIX)), WIDE, from, to, count);
  }
  const border = sliceAtOrAfter(state, borderOf(planPtr, start));
  const last = sliceAtOrAfter(state, end);
  const count = collect(planPtr, state, sliceAtOrAfter(state, start), min<u32>(border, last), from, to, 0);
  store<u32>(earlier, count);
  return collect(planPtr, state, border, last, from, to, count);
}

/** Collects entries with hashes in [from, to), slices in time order. Counts on beyond what fits, without writing. */
function collect(planPtr: u32, state: u32, first: u32, last: u32, from: u32, to: u64, before: u32): u32 {
  let count = before;
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
      const entry = mergeGroup(planPtr, record, orderPtr, i, last);
      if (entry != 0) {
        if (!emitRow(planPtr, first, entry, rows)) return load<i32>(planPtr, PLAN_STATUS);
        rows++;
      }
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

/** What the window holds of a key, from its entries [first, last); 0 when it holds nothing. */
function mergeGroup(planPtr: u32, record: u32, orderPtr: u32, first: u32, last: u32): u32 {
  const isShared = load<u32>(load<u32>(planPtr, PLAN_SCRATCH), FIRE_SHARED) != 0;
  if (last - first == 1 && !isShared) return mergeForwards(planPtr, orderPtr, first, last);
  let border = first;
  while (border < last && isEarlier(planPtr, orderPtr, border)) border++;
  if (isShared) {
    const state = load<u32>(planPtr, PLAN_STATE);
    const end = load<i64>(record, FIRE_END);
    const front = border == first ? 0 : orderEntry(planPtr, orderPtr, first);
    return sharedEntry(planPtr, state, end, front, border == last ? 0 : orderEntry(planPtr, orderPtr, border));
  }
  const earlier = mergeBackwards(planPtr, orderPtr, first, border);
  const later = mergeForwards(planPtr, orderPtr, border, last);
  if (later == 0 || earlier == 0) return later | earlier;
  mergeEntry(planPtr, earlier, later);
  return earlier;
}

function isEarlier(planPtr: u32, orderPtr: u32, i: u32): bool {
  return load<u32>(orderPtr + (i << 3)) < load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + FIRE_EARLIER);
}

/** Merges entries [first, last) of one key from the last one backwards; 0 when there is none. */
function mergeBackwards(planPtr: u32, orderPtr: u32, first: u32, last: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  let part = scratch + FIRE_MERGED;
  let merged: u32 = 0;
  for (let i = last; i > first; i--) {
    const marked = orderMarked(planPtr, orderPtr, i - 1);
    copyWide(planPtr, marked & ~1, marked & 1, part);
    if (merged != 0) mergeEntry(planPtr, part, merged);
    merged = part;
    part = part == scratch + FIRE_MERGED ? scratch + FIRE_WIDENED : scratch + FIRE_MERGED;
  }
  return merged;
}

/** The same forwards. A single wide entry is answered as it lies. */
function mergeForwards(planPtr: u32, orderPtr: u32, first: u32, last: u32): u32 {
  if (first == last) return 0;
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const merged = scratch + FIRE_LATER;
  const marked = orderMarked(planPtr, orderPtr, first);
  if (last - first == 1 && (marked & 1) == WIDE) return marked;
  copyWide(planPtr, marked & ~1, marked & 1, merged);
  for (let i = first + 1; i < last; i++) {
    const next = orderMarked(planPtr, orderPtr, i);
    const part = (next & 1) == NARROW ? scratch + FIRE_PART : next;
    if (part != next) widenEntry(planPtr, next & ~1, part);
    mergeEntry(planPtr, merged, part);
  }
  return merged;
}

/** Writes row `row`: the key of one entry and the results of another. False when an integer sum does not fit. */
function emitRow(planPtr: u32, keyed: u32, entry: u32, row: u32): bool {
  writeKey(planPtr, keyed, row);
  writeBounds(planPtr, row, load<i64>(planPtr, PLAN_FIRE_START), load<i64>(planPtr, PLAN_FIRE_STOP));
  if (load<u32>(planPtr, PLAN_OUT_KINDS) != 0) store<u8>(load<u32>(planPtr, PLAN_OUT_KINDS) + row, INSERT);
  return load<i32>(planPtr, PLAN_STATUS) == 0 && writeResults(planPtr, entry, row);
}
